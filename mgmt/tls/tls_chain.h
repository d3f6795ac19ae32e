/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A certificate chain and its key as an administrator gives them: read and checked, so that what
 * is put in force also works. Private to tls*.c and host_tls.c. Context of all: management task.
 */
#ifndef SOCLE_MGMT_TLS_CHAIN_H
#define SOCLE_MGMT_TLS_CHAIN_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define TLS_PEM_CERTIFICATE_MAX (16u * 1024 - 1)
#define TLS_PEM_KEY_MAX         (8u * 1024 - 1)

/* As it came, and as it is kept. */
struct tls_pem {
    char
        certificate[TLS_PEM_CERTIFICATE_MAX + 1]; /* the host's own first, then each one's issuer */
    char key[TLS_PEM_KEY_MAX + 1];                /* not encrypted */
};

/* Why it cannot be used: sentences for the user. */
struct tls_refusal {
    const char *pointer; /* "/certificate" or "/key" */
    char detail[128];
    const char *hint;
};

struct tls_chain; /* opaque: Mbed TLS's objects */

/* Return: 0 and *out; -EINVAL, with *why; -ENOMEM. */
int tls_chain_read(const struct tls_pem *pem, struct tls_chain **out,
                   struct tls_refusal *why) must_check;

/* The same for certificates of authorities, up to 8, without a key. why->pointer: "/client_ca". */
int tls_chain_read_authorities(const char *pem, struct tls_chain **out,
                               struct tls_refusal *why) must_check;

/* NULL is allowed. The key is wiped. */
void tls_chain_free(struct tls_chain *chain);

/* Mbed TLS's mbedtls_x509_crt, the first of its list, and mbedtls_pk_context. */
void *tls_chain_certificate(struct tls_chain *chain);
void *tls_chain_key(struct tls_chain *chain);

#endif
