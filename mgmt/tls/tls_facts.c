/* SPDX-License-Identifier: BSD-2-Clause */
/* Fingerprint, names and validity out of an X.509 certificate. */
#include "mgmt/tls/tls_facts.h"

#include "core/lib/base64.h"
#include "core/lib/hex.h"
#include "core/lib/printf.h"
#include "core/lib/sha256.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/port/mbedtls.h"
#include "mgmt/time_text.h"
#include "mgmt/tls/tls.h"
#include "mgmt/tls/tls_chain.h"

/* Between the host's clock and the CA's, for a certificate that was made just now. */
#define CLOCK_SLACK_NS (300 * NS_PER_S)

#define PIN_KIND "sha256//"

static struct {
    const mbedtls_x509_crt *certificate; /* NULL: none yet */
    char fingerprint[2 * SHA256_BYTES + 1];
    char pin[sizeof(PIN_KIND) - 1 + BASE64_SIZE(SHA256_BYTES)];
} facts;

const char *tls_fingerprint(void)
{
    return facts.fingerprint;
}

const char *tls_key_pin(void)
{
    return facts.pin;
}

void tls_facts_note(const void *certificate)
{
    u8 digest[SHA256_BYTES];

    facts.certificate = certificate;
    sha256_of(facts.certificate->raw.p, facts.certificate->raw.len, digest);
    hex_write(facts.fingerprint, digest, sizeof(digest));
    sha256_of(facts.certificate->pk_raw.p, facts.certificate->pk_raw.len, digest);
    (void)str_copy(facts.pin, sizeof(facts.pin), PIN_KIND);
    base64_write(facts.pin + strlen(facts.pin), digest, sizeof(digest));
}

/* What does not fit is cut. */
static void write_name(char *dst, size_t size, const mbedtls_x509_name *name)
{
    if (mbedtls_x509_dn_gets(dst, size, name) < 0)
        dst[size - 1] = '\0';
}

static void write_time(char *dst, size_t size, const mbedtls_x509_time *time)
{
    ksnprintf(dst, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", time->year, time->mon, time->day,
              time->hour, time->min, time->sec);
}

static void write_key(char *dst, size_t size, const mbedtls_pk_context *key)
{
    const char *kind = mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA ? "RSA " : "EC P-";

    ksnprintf(dst, size, "%s%u", kind, (u32)mbedtls_pk_get_bitlen(key));
}

void tls_facts_get(struct tls_facts *out)
{
    const mbedtls_x509_crt *certificate = facts.certificate;

    memset(out, 0, sizeof(*out));
    if (!certificate)
        return;
    write_name(out->subject, sizeof(out->subject), &certificate->subject);
    write_name(out->issuer, sizeof(out->issuer), &certificate->issuer);
    write_key(out->key, sizeof(out->key), &certificate->pk);
    write_time(out->valid_from, sizeof(out->valid_from), &certificate->valid_from);
    write_time(out->valid_until, sizeof(out->valid_until), &certificate->valid_to);
    for (; certificate; certificate = certificate->next)
        out->certificates++;
}

/* IPv4 as usual, IPv6 in eight groups without short cuts. */
static void write_address(char *dst, size_t size, const mbedtls_x509_buf *raw)
{
    if (raw->len == 4) {
        ksnprintf(dst, size, "%u.%u.%u.%u", raw->p[0], raw->p[1], raw->p[2], raw->p[3]);
        return;
    }
    for (u32 i = 0; i + 1 < raw->len && i < 16; i += 2) {
        size_t used = strlen(dst);

        ksnprintf(dst + used, size - used, i ? ":%x" : "%x", (u32)raw->p[i] << 8 | raw->p[i + 1]);
    }
}

/* The type of a GeneralName is its tag. Spec: RFC 5280 4.2.1.6 "Subject Alternative Name". */
static bool write_san(char dst[TLS_NAME_MAX + 1], const mbedtls_x509_buf *raw)
{
    size_t len = MIN(raw->len, (size_t)TLS_NAME_MAX);
    int kind = raw->tag & MBEDTLS_ASN1_TAG_VALUE_MASK;

    memset(dst, 0, TLS_NAME_MAX + 1);
    if (kind == MBEDTLS_X509_SAN_DNS_NAME)
        memcpy(dst, raw->p, len);
    else if (kind == MBEDTLS_X509_SAN_IP_ADDRESS)
        write_address(dst, TLS_NAME_MAX + 1, raw);
    return dst[0] != '\0';
}

bool tls_facts_name(u32 n, char dst[TLS_NAME_MAX + 1])
{
    const mbedtls_x509_sequence *name =
        facts.certificate ? &facts.certificate->subject_alt_names : NULL;

    for (; name && name->buf.p; name = name->next) {
        if (write_san(dst, &name->buf) && n-- == 0)
            return true;
    }
    return false;
}

bool tls_facts_authority(struct tls_chain *chain, u32 n, char *dst, size_t size)
{
    const mbedtls_x509_crt *at = chain ? tls_chain_certificate(chain) : NULL;

    for (; at && n; n--)
        at = at->next;
    if (at)
        write_name(dst, size, &at->subject);
    return at != NULL;
}

/* Dates before 1970 have passed, those after 2500 never do. */
const char *tls_facts_validity(const void *of)
{
    const mbedtls_x509_crt *certificate = of;
    char text[24];
    u64 from, until;

    if (!certificate || !clock_is_known())
        return NULL;
    write_time(text, sizeof(text), &certificate->valid_from);
    if (time_parse(text, &from) == 0 && clock_unix_ns() + CLOCK_SLACK_NS < from)
        return "The certificate is not valid yet by the host's clock.";
    write_time(text, sizeof(text), &certificate->valid_to);
    if (time_parse(text, &until) == 0 && clock_unix_ns() > until)
        return "The certificate has expired by the host's clock.";
    return NULL;
}

const char *tls_facts_warning(void)
{
    return tls_facts_validity(facts.certificate);
}
