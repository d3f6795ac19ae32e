/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates and a key out of PEM; what must hold between them. */
#include "mgmt/tls/tls_chain.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/tls/pem.h"
#include "mgmt/port/mbedtls.h"
#include "mgmt/tls/random.h"

#define CERTIFICATES_MAX 8u

/* All of them in DER: they leave in one message, which must fit into the library's buffer with
 * what frames it. */
#define CHAIN_BYTES_MAX (MBEDTLS_SSL_OUT_CONTENT_LEN - 128u)

#define KEY_DER_MAX  4096u
#define RSA_BITS_MIN 2048u
#define RSA_BITS_MAX 4096u

#define KEY_KINDS "Take an ECDSA key on P-256 or P-384, or an RSA key of 2048 to 4096 bits."

struct tls_chain {
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
    u8 der[CHAIN_BYTES_MAX > KEY_DER_MAX ? CHAIN_BYTES_MAX
                                         : KEY_DER_MAX]; /* the block being read */
};

static int rng(void *arg unused, unsigned char *dst, size_t bytes)
{
    return random_bytes(dst, bytes);
}

/* number: of the certificate that `detail` counts, or of no meaning. */
static int refuse(struct tls_refusal *why, const char *pointer, const char *detail, u32 number,
                  const char *hint)
{
    why->pointer = pointer;
    why->hint = hint;
    ksnprintf(why->detail, sizeof(why->detail), detail, number);
    return -EINVAL;
}

static int refuse_certificate(struct tls_refusal *why, const char *detail, u32 number,
                              const char *hint)
{
    return refuse(why, "/certificate", detail, number, hint);
}

static int refuse_key(struct tls_refusal *why, const char *detail, const char *hint)
{
    return refuse(why, "/key", detail, 0, hint);
}

static int add_certificate(struct tls_chain *chain, const struct pem_block *block, u32 number,
                           struct tls_refusal *why)
{
    int rc;

    if (strcmp(block->label, "CERTIFICATE") != 0)
        return refuse_certificate(why, "Block %u is no certificate.", number,
                                  "Put nothing but the chain there, and the key into \"key\".");
    rc = mbedtls_x509_crt_parse_der(&chain->certificate, chain->der, block->bytes);
    if (rc == MBEDTLS_ERR_X509_ALLOC_FAILED)
        return -ENOMEM;
    if (rc)
        return refuse_certificate(why, "Certificate %u cannot be read.", number,
                                  "openssl x509 -noout -text shows what is in it; the host knows "
                                  "ECDSA on P-256 and P-384 and RSA, with SHA-256 to SHA-512.");
    return 0;
}

static int read_certificates(struct tls_chain *chain, const char *text, struct tls_refusal *why)
{
    struct pem_block block;
    size_t total = 0;
    u32 number = 1;
    int rc;

    while ((rc = pem_next(&text, &block, chain->der, sizeof(chain->der))) == 0) {
        total += block.bytes;
        if (number > CERTIFICATES_MAX || total > CHAIN_BYTES_MAX)
            break;
        rc = add_certificate(chain, &block, number++, why);
        if (rc)
            return rc;
    }
    if (rc == 0 || rc == -ENOSPC)
        return refuse_certificate(
            why, "The chain is longer than 8 certificates or %u bytes in DER.", CHAIN_BYTES_MAX,
            "Leave out the root, which clients have, and cross-signed ones.");
    if (rc != -ENOENT)
        return refuse_certificate(why, "The PEM of certificate %u is damaged.", number,
                                  "Send the file as it is, with its line breaks as \\n.");
    if (number == 1)
        return refuse_certificate(why, "There is no certificate in PEM.", 0,
                                  "It begins with -----BEGIN CERTIFICATE-----.");
    return 0;
}

/* The curve's parameters, which openssl ecparam writes before the key, say nothing new. */
static int find_key(struct tls_chain *chain, const char *text, struct pem_block *block)
{
    int rc;

    do {
        rc = pem_next(&text, block, chain->der, KEY_DER_MAX);
    } while (rc == 0 && strcmp(block->label, "EC PARAMETERS") == 0);
    return rc;
}

static bool key_is_usable(const mbedtls_pk_context *key)
{
    size_t bits = mbedtls_pk_get_bitlen(key);
    mbedtls_ecp_group_id group;

    if (mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA)
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    if (mbedtls_pk_get_type(key) != MBEDTLS_PK_ECKEY)
        return false;
    group = mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(*key));
    return group == MBEDTLS_ECP_DP_SECP256R1 || group == MBEDTLS_ECP_DP_SECP384R1;
}

static int read_key(struct tls_chain *chain, const char *text, struct tls_refusal *why)
{
    struct pem_block block;
    int rc = find_key(chain, text, &block);

    if (rc == -EPERM || (rc == 0 && strcmp(block.label, "ENCRYPTED PRIVATE KEY") == 0))
        return refuse_key(why, "The key is encrypted.",
                          "Decrypt it with openssl pkey -in key.pem -out plain.pem.");
    if (rc == -ENOENT)
        return refuse_key(why, "There is no private key in PEM.",
                          "It begins with -----BEGIN PRIVATE KEY-----.");
    if (rc)
        return refuse_key(why, "The PEM of the key is damaged.",
                          "Send the file as it is, with its line breaks as \\n.");
    if (!strstr(block.label, "PRIVATE KEY"))
        return refuse_key(why, "This is no private key.",
                          "It begins with -----BEGIN PRIVATE KEY-----; the chain goes into "
                          "\"certificate\".");
    rc = mbedtls_pk_parse_key(&chain->key, chain->der, block.bytes, NULL, 0, rng, NULL);
    if (rc == MBEDTLS_ERR_PK_ALLOC_FAILED)
        return -ENOMEM;
    if (rc || !key_is_usable(&chain->key))
        return refuse_key(why, "The host cannot use a key of this kind.", KEY_KINDS);
    return 0;
}

/* A certificate that says it is for other things is used by no client, and not by the library. */
static int check_own(struct tls_chain *chain, struct tls_refusal *why)
{
    mbedtls_x509_crt *own = &chain->certificate;

    if (mbedtls_pk_check_pair(&own->pk, &chain->key, rng, NULL) != 0)
        return refuse_key(why, "The key does not belong to the first certificate.",
                          "The host's own certificate comes first, then that of its issuer.");
    if (mbedtls_x509_crt_check_key_usage(own, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0 ||
        mbedtls_x509_crt_check_extended_key_usage(own, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        return refuse_certificate(why, "The first certificate is not for servers.", 0,
                                  "It needs the key usage digitalSignature and the extended one "
                                  "serverAuth, or none.");
    return 0;
}

static bool is_signed_by(const mbedtls_x509_crt *child, const mbedtls_x509_crt *issuer)
{
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(child->MBEDTLS_PRIVATE(sig_md));
    const mbedtls_x509_buf *signature = &child->MBEDTLS_PRIVATE(sig);
    u8 hash[MBEDTLS_MD_MAX_SIZE];
    mbedtls_pk_context key = issuer->pk; /* borrowed: the call takes it without const */

    if (!md || child->issuer_raw.len != issuer->subject_raw.len ||
        memcmp(child->issuer_raw.p, issuer->subject_raw.p, child->issuer_raw.len) != 0 ||
        mbedtls_md(md, child->tbs.p, child->tbs.len, hash) != 0)
        return false;
    return mbedtls_pk_verify_ext(child->MBEDTLS_PRIVATE(sig_pk), child->MBEDTLS_PRIVATE(sig_opts),
                                 &key, child->MBEDTLS_PRIVATE(sig_md), hash,
                                 mbedtls_md_get_size(md), signature->p, signature->len) == 0;
}

static int check_order(const struct tls_chain *chain, struct tls_refusal *why)
{
    const mbedtls_x509_crt *child = &chain->certificate;
    u32 number = 2;

    for (; child->next; child = child->next, number++) {
        if (!is_signed_by(child, child->next))
            return refuse_certificate(why, "Certificate %u is not the issuer of the one before it.",
                                      number,
                                      "The host's own comes first, then its issuer's, and so on.");
    }
    return 0;
}

static int read_chain(struct tls_chain *chain, const struct tls_pem *pem, struct tls_refusal *why)
{
    int rc = read_certificates(chain, pem->certificate, why);

    if (rc == 0)
        rc = read_key(chain, pem->key, why);
    mem_wipe(chain->der, sizeof(chain->der));
    if (rc == 0)
        rc = check_own(chain, why);
    return rc ? rc : check_order(chain, why);
}

static struct tls_chain *chain_new(void)
{
    struct tls_chain *chain = mbedtls_calloc(1, sizeof(*chain));

    if (!chain)
        return NULL;
    mbedtls_x509_crt_init(&chain->certificate);
    mbedtls_pk_init(&chain->key);
    return chain;
}

int tls_chain_read(const struct tls_pem *pem, struct tls_chain **out, struct tls_refusal *why)
{
    struct tls_chain *chain = chain_new();
    int rc;

    if (!chain)
        return -ENOMEM;
    rc = read_chain(chain, pem, why);
    if (rc)
        tls_chain_free(chain);
    else
        *out = chain;
    return rc;
}

/* One that may not sign others would never be found to have signed a client's. */
static int check_authorities(const struct tls_chain *chain, struct tls_refusal *why)
{
    u32 number = 1;

    for (const mbedtls_x509_crt *ca = &chain->certificate; ca; ca = ca->next, number++) {
        if (!ca->MBEDTLS_PRIVATE(ca_istrue))
            return refuse_certificate(why, "Certificate %u is no authority's.", number,
                                      "It needs basicConstraints CA:TRUE; a client's own goes by "
                                      "its SHA-256 into the user's \"certs\".");
    }
    return 0;
}

int tls_chain_read_authorities(const char *pem, struct tls_chain **out, struct tls_refusal *why)
{
    struct tls_chain *chain = chain_new();
    int rc;

    if (!chain)
        return -ENOMEM;
    rc = read_certificates(chain, pem, why);
    if (rc == 0)
        rc = check_authorities(chain, why);
    why->pointer = "/client_ca";
    if (rc)
        tls_chain_free(chain);
    else
        *out = chain;
    return rc;
}

void tls_chain_free(struct tls_chain *chain)
{
    if (!chain)
        return;
    mbedtls_x509_crt_free(&chain->certificate);
    mbedtls_pk_free(&chain->key);
    mbedtls_free(chain);
}

void *tls_chain_certificate(struct tls_chain *chain)
{
    return &chain->certificate;
}

void *tls_chain_key(struct tls_chain *chain)
{
    return &chain->key;
}
