/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom a client trusts, the library's verification and what it says, and the pin. */
#include "mgmt/tls/tls_client.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/tls/pem.h"
#include "mgmt/tls/tls_facts.h"
#include "mgmt/tls/tls_session.h"

#define CA_DER_MAX 4096u /* one of RSA 4096 has half of it */

struct tls_trust {
    mbedtls_ssl_config config;
    mbedtls_x509_crt ca;
    bool has_pin;
    u8 pin[SHA256_BYTES];
};

static u32 handshakes;

/* The library has no clock: dates count when the host has one. */
static int check_dates(void *arg unused, mbedtls_x509_crt *certificate, int depth unused,
                       uint32_t *flags)
{
    if (tls_facts_validity(certificate))
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    return 0;
}

static int read_ca(struct tls_trust *trust, const char *text, u8 *der, const char **why)
{
    struct pem_block block;
    u32 count = 0;
    int rc;

    while ((rc = pem_next(&text, &block, der, CA_DER_MAX)) == 0 && count < TLS_CA_MAX) {
        if (strcmp(block.label, "CERTIFICATE") != 0)
            continue;
        rc = mbedtls_x509_crt_parse_der(&trust->ca, der, block.bytes);
        if (rc == MBEDTLS_ERR_X509_ALLOC_FAILED)
            return -ENOMEM;
        *why = "A certificate of the CA cannot be read: the host knows ECDSA on P-256 and P-384 "
               "and RSA, with SHA-256 to SHA-512.";
        if (rc)
            return -EINVAL;
        count++;
    }
    *why = rc == 0         ? "There are more than 8 certificates of CAs."
           : rc != -ENOENT ? "The PEM of the CA is damaged."
                           : "There is no certificate in the PEM of the CA.";
    return rc == -ENOENT && count > 0 ? 0 : -EINVAL;
}

static int take_ca(struct tls_trust *trust, const char *text, const char **why)
{
    u8 *der = mbedtls_calloc(1, CA_DER_MAX);
    int rc = der ? read_ca(trust, text, der, why) : -ENOMEM;

    mbedtls_free(der);
    return rc;
}

/*
 * With a pin the library's own verdict is not asked for: the certificate is compared when the
 * handshake has shown that the server has its key.
 */
static int configure(struct tls_trust *trust)
{
    static const u16 groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1 /* of certificates in TLS 1.2 */, 0};

    if (mbedtls_ssl_config_defaults(&trust->config, MBEDTLS_SSL_IS_CLIENT,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return -ENOMEM;
    mbedtls_ssl_conf_rng(&trust->config, tls_random, NULL);
    mbedtls_ssl_conf_groups(&trust->config, groups);
    mbedtls_ssl_conf_verify(&trust->config, check_dates, NULL);
    mbedtls_ssl_conf_ca_chain(&trust->config, &trust->ca, NULL);
    mbedtls_ssl_conf_authmode(&trust->config, trust->has_pin ? MBEDTLS_SSL_VERIFY_OPTIONAL
                                                             : MBEDTLS_SSL_VERIFY_REQUIRED);
    return 0;
}

int tls_trust_make(const char *ca, const u8 pin[SHA256_BYTES], struct tls_trust **out,
                   const char **why)
{
    struct tls_trust *trust = mbedtls_calloc(1, sizeof(*trust));
    int rc;

    *why = "The host's memory for TLS is full.";
    if (!trust)
        return -ENOMEM;
    mbedtls_ssl_config_init(&trust->config);
    mbedtls_x509_crt_init(&trust->ca);
    trust->has_pin = ca == NULL;
    if (trust->has_pin)
        memcpy(trust->pin, pin, sizeof(trust->pin));
    rc = ca ? take_ca(trust, ca, why) : 0;
    if (rc == 0)
        rc = configure(trust);
    if (rc == -ENOMEM)
        *why = "The host's memory for TLS is full.";
    if (rc)
        tls_trust_free(trust);
    else
        *out = trust;
    return rc;
}

void tls_trust_free(struct tls_trust *trust)
{
    if (!trust)
        return;
    mbedtls_ssl_config_free(&trust->config);
    mbedtls_x509_crt_free(&trust->ca);
    mbedtls_free(trust);
}

bool tls_client_is_busy(void)
{
    return handshakes == TLS_CLIENT_HANDSHAKES_MAX;
}

struct tls_session *tls_client_open(struct tls_trust *trust, const char *host,
                                    const struct tls_io *io, void *arg)
{
    struct tls_session *session = tls_session_open(&trust->config, &handshakes, io, arg);

    if (session && mbedtls_ssl_set_hostname(&session->ssl, host) != 0) {
        tls_close(session);
        session = NULL;
    }
    return session;
}

/* What speaks against the server's certificate, the plainest first; NULL: nothing does. */
static const char *verdict(const struct tls_session *session)
{
    static const struct {
        u32 flags;
        const char *why;
    } reasons[] = {
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, "The server's certificate is for another host."},
        {MBEDTLS_X509_BADCERT_EXPIRED,
         "The server's certificate, or its CA's, is not valid at the time of the host's clock."},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED,
         "The server's certificate is signed by none of the CAs that were given."},
        {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_KEY_USAGE,
         "The server's certificate is not for servers."},
        {UINT32_MAX, "The server's certificate is of a kind the host does not accept."},
    };
    u32 flags = mbedtls_ssl_get_verify_result(&session->ssl);

    for (u32 i = 0; flags != UINT32_MAX && i < ARRAY_SIZE(reasons); i++) {
        if (flags & reasons[i].flags)
            return reasons[i].why;
    }
    return NULL;
}

static bool has_pinned_certificate(const struct tls_session *session, const struct tls_trust *trust)
{
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&session->ssl);
    u8 digest[SHA256_BYTES];

    if (!certificate)
        return false;
    sha256_of(certificate->raw.p, certificate->raw.len, digest);
    return memcmp(digest, trust->pin, sizeof(digest)) == 0; /* neither is a secret */
}

int tls_client_handshake(struct tls_session *session, const struct tls_trust *trust,
                         const char **why)
{
    int rc = tls_handshake(session);
    const char *reason = trust->has_pin ? NULL : verdict(session);

    *why = "The server does not speak TLS 1.2 or 1.3, or has no cipher in common with the host.";
    if (rc == -EAGAIN)
        return rc;
    if (rc == -EIO)
        *why = "The connection was lost in the TLS handshake, or the memory for TLS is full.";
    if (rc != 0 && reason)
        *why = reason;
    if (rc != 0)
        return reason ? -EPERM : rc;
    if (!trust->has_pin || has_pinned_certificate(session, trust))
        return 0;
    *why = "The server's certificate is another one than the pinned one.";
    return -EPERM;
}
