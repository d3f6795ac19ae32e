/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mbed TLS's configuration: a TLS 1.2 and 1.3 server with an ECDSA or RSA key, a client that
 * verifies such servers, and nothing else.
 *
 * Every line costs bytes of the image, so what no peer needs is out: CBC, renegotiation, tickets.
 * Memory comes from an arena of its own (mgmt/tls/tls.c), random numbers from
 * mgmt/tls/random.c, both without an operating system beneath.
 */
#ifndef SOCLE_PORT_MBEDTLS_CONFIG_H
#define SOCLE_PORT_MBEDTLS_CONFIG_H

/* The platform: an arena, our printf, no clock, no files, no threads. */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_NO_UDBL_DIVISION
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_PLATFORM_ZEROIZE_ALT
#define MBEDTLS_PLATFORM_EXIT_MACRO     port_exit
#define MBEDTLS_PLATFORM_SNPRINTF_MACRO ksnprintf
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_DEPRECATED_REMOVED

void port_exit(int status);
__SIZE_TYPE__ ksnprintf(char *dst, __SIZE_TYPE__ size, const char *fmt, ...);

/*
 * Hashes, ciphers, curves. AES-GCM is for clients that do not know ChaCha20, which costs a third of
 * it without AES-NI. There is no AES-256: in TLS 1.3 the client's order decides, and OpenSSL's
 * begins with it.
 */
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C /* of signatures in certificates */
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_SHA1_C /* of WebSocket's handshake, nothing else */
#define MBEDTLS_HMAC_DRBG_C
#define MBEDTLS_HKDF_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT
#define MBEDTLS_GCM_C
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED /* of certificates only */
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15 /* of certificates, and of TLS 1.2 */
#define MBEDTLS_PKCS1_V21 /* of TLS 1.3 */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_PSA_KEY_SLOT_COUNT 64 /* one for each handshake, and room */

/* Certificates: our own is made here; one given by the administrator is parsed. */
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT /* without it no RSA key signs in TLS 1.3 */
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C
#define MBEDTLS_X509_REMOVE_INFO

/* TLS. */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_SSL_CLI_C /* outgoing connections */
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_CIPHERSUITES                                                \
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS1_3_AES_128_GCM_SHA256, \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,                  \
        MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,                    \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,                        \
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256

/* Records: clients send up to 16 KiB at once; we send what one TCP write takes. */
#define MBEDTLS_SSL_IN_CONTENT_LEN  16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096

#endif
