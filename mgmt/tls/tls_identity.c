/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One ECDSA P-256 key, kept in a pool if there is one, and a certificate that names the host and
 * its address. When the address changes the certificate does, the key does not: a client that has
 * pinned the key goes on.
 */
#include "mgmt/tls/tls_identity.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/port/mbedtls.h"
#include "mgmt/tls/random.h"

#define CERTIFICATE_MAX 1024u
#define SERIAL_BYTES    16u

/* The host may have no clock: the certificate says for ever, as RFC 5280 spells it. */
#define VALID_FROM  "20200101000000"
#define VALID_UNTIL "99991231235959"

static struct {
    mbedtls_pk_context key;
    mbedtls_x509_crt certificate;
    bool has_key;
} identity;

void *tls_identity_certificate(void)
{
    return &identity.certificate;
}

void *tls_identity_key(void)
{
    return &identity.key;
}

static int rng(void *arg unused, unsigned char *dst, size_t bytes)
{
    return random_bytes(dst, bytes);
}

int tls_identity_take(const u8 secret[TLS_KEY_BYTES])
{
    mbedtls_ecp_keypair *pair;

    mbedtls_pk_init(&identity.key);
    if (mbedtls_pk_setup(&identity.key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
        return -ENOMEM;
    pair = mbedtls_pk_ec(identity.key);
    if (mbedtls_ecp_read_key(MBEDTLS_ECP_DP_SECP256R1, pair, secret, TLS_KEY_BYTES) != 0 ||
        mbedtls_ecp_keypair_calc_public(pair, rng, NULL) != 0) {
        mbedtls_pk_free(&identity.key);
        return -EINVAL;
    }
    identity.has_key = true;
    return 0;
}

int tls_identity_secret(u8 secret[TLS_KEY_BYTES])
{
    size_t bytes = 0;

    if (!identity.has_key ||
        mbedtls_ecp_write_key_ext(mbedtls_pk_ec(identity.key), &bytes, secret, TLS_KEY_BYTES) != 0)
        return -EIO;
    return bytes == TLS_KEY_BYTES ? 0 : -EIO;
}

static int make_key(void)
{
    mbedtls_pk_init(&identity.key);
    if (mbedtls_pk_setup(&identity.key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0 ||
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(identity.key), rng, NULL) != 0)
        return -EIO;
    identity.has_key = true;
    return 0;
}

/* Subject alternative names: the host's name, and its address as four bytes. */
static int add_names(mbedtls_x509write_cert *crt, const char *hostname, u32 address)
{
    mbedtls_x509_san_list ip = {
        .node = {.type = MBEDTLS_X509_SAN_IP_ADDRESS,
                 .san.unstructured_name = {.p = (unsigned char *)&address, .len = sizeof(address)}},
    };
    char name[64];
    mbedtls_x509_san_list dns = {
        .node = {.type = MBEDTLS_X509_SAN_DNS_NAME,
                 .san.unstructured_name = {.p = (unsigned char *)name, .len = strlen(hostname)}},
        .next = address ? &ip : NULL,
    };

    (void)str_copy(name, sizeof(name), hostname);
    return mbedtls_x509write_crt_set_subject_alternative_name(crt, &dns);
}

static int describe(mbedtls_x509write_cert *crt, const char *hostname, u32 address)
{
    char subject[80];
    u8 serial[SERIAL_BYTES];

    if (random_bytes(serial, sizeof(serial)) != 0)
        return -EIO;
    tls_serial_from_random(serial);
    ksnprintf(subject, sizeof(subject), "CN=%s,O=Socle", hostname);
    mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(crt, &identity.key);
    mbedtls_x509write_crt_set_issuer_key(crt, &identity.key);
    if (mbedtls_x509write_crt_set_subject_name(crt, subject) != 0 ||
        mbedtls_x509write_crt_set_issuer_name(crt, subject) != 0 ||
        mbedtls_x509write_crt_set_serial_raw(crt, serial, sizeof(serial)) != 0 ||
        mbedtls_x509write_crt_set_validity(crt, VALID_FROM, VALID_UNTIL) != 0 ||
        mbedtls_x509write_crt_set_basic_constraints(crt, 0, -1) != 0 ||
        add_names(crt, hostname, address) != 0)
        return -ENOMEM;
    return 0;
}

/* Mbed TLS writes DER to the end of its buffer. */
static int make_certificate(const char *hostname, u32 address)
{
    mbedtls_x509write_cert crt;
    u8 buffer[CERTIFICATE_MAX];
    int bytes, rc;

    mbedtls_x509write_crt_init(&crt);
    rc = describe(&crt, hostname, address);
    bytes = rc ? rc : mbedtls_x509write_crt_der(&crt, buffer, sizeof(buffer), rng, NULL);
    mbedtls_x509write_crt_free(&crt);
    if (bytes <= 0)
        return -EIO;
    mbedtls_x509_crt_free(&identity.certificate);
    mbedtls_x509_crt_init(&identity.certificate);
    return mbedtls_x509_crt_parse_der(&identity.certificate, buffer + sizeof(buffer) - bytes,
                                      (size_t)bytes) == 0
               ? 0
               : -EIO;
}

int tls_identity_make(const char *hostname, u32 address)
{
    if (!identity.has_key && make_key() != 0)
        return -EIO;
    return make_certificate(hostname, address);
}
