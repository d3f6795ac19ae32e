/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprint, names and validity out of a client's certificate. */
#include "mgmt/tls/tls_peer.h"

#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/tls/client_ca.h"
#include "mgmt/port/mbedtls.h"
#include "mgmt/time_text.h"

/* Between the host's clock and the CA's, for a certificate that was made just now. */
#define CLOCK_SLACK_NS (300 * NS_PER_S)

/* Names that are too long, or hold what no text does, are left out: they must match nothing. */
static void add_name(struct tls_peer *out, const mbedtls_x509_buf *raw)
{
    char *name = out->names[out->name_count];

    if (out->name_count == TLS_PEER_NAMES_MAX || raw->len == 0 || raw->len > USER_CERT_MAX)
        return;
    for (size_t i = 0; i < raw->len; i++) {
        if (raw->p[i] <= ' ' || raw->p[i] > '~')
            return;
    }
    memcpy(name, raw->p, raw->len);
    name[raw->len] = '\0';
    out->name_count++;
}

/* The type of a GeneralName is its tag. Spec: RFC 5280 4.2.1.6 "Subject Alternative Name". */
static void read_alternative_names(struct tls_peer *out, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *name = &certificate->subject_alt_names;

    for (; name && name->buf.p; name = name->next) {
        int kind = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;

        if (kind == MBEDTLS_X509_SAN_DNS_NAME || kind == MBEDTLS_X509_SAN_RFC822_NAME)
            add_name(out, &name->buf);
    }
}

static void read_common_name(struct tls_peer *out, const mbedtls_x509_crt *certificate)
{
    for (const mbedtls_x509_name *part = &certificate->subject; part; part = part->next) {
        if (part->oid.p && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0)
            add_name(out, &part->val);
    }
}

/* Return: 0 if the time is none this host knows: long past. */
static u64 unix_ns_of(const mbedtls_x509_time *time)
{
    char text[24];
    u64 ns = 0;

    ksnprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", time->year, time->mon,
              time->day, time->hour, time->min, time->sec);
    return time_parse(text, &ns) == 0 ? ns : time->year > 2400 ? ~0ull : 0;
}

static void read_digest(struct tls_peer *out, const mbedtls_x509_crt *certificate)
{
    u8 digest[SHA256_BYTES];

    sha256_of(certificate->raw.p, certificate->raw.len, digest);
    hex_write(out->sha256, digest, sizeof(digest));
}

static void drop_copy(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_session *session = ssl->MBEDTLS_PRIVATE(session);

    mbedtls_x509_crt_free(session->MBEDTLS_PRIVATE(peer_cert));
    mbedtls_free(session->MBEDTLS_PRIVATE(peer_cert));
    session->MBEDTLS_PRIVATE(peer_cert) = NULL;
}

void tls_peer_read(void *context, struct tls_peer *out)
{
    mbedtls_ssl_context *ssl = context;
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(ssl);

    memset(out, 0, sizeof(*out));
    if (!certificate)
        return;
    read_digest(out, certificate);
    read_alternative_names(out, certificate);
    if (!certificate->subject_alt_names.buf.p)
        read_common_name(out, certificate);
    out->from_unix_ns = unix_ns_of(&certificate->valid_from);
    out->until_unix_ns = unix_ns_of(&certificate->valid_to);
    out->is_trusted = mbedtls_ssl_get_verify_result(ssl) == 0;
    out->ca_version = client_ca_version();
    drop_copy(ssl);
}

bool tls_peer_is_in_time(const struct tls_peer *client)
{
    u64 now = clock_unix_ns();

    return !clock_is_known() ||
           (now + CLOCK_SLACK_NS >= client->from_unix_ns && now < client->until_unix_ns);
}
