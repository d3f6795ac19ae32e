/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients see of the certificate in force. Context of all: management task. */
#ifndef SOCLE_MGMT_TLS_FACTS_H
#define SOCLE_MGMT_TLS_FACTS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define TLS_NAME_MAX 255u

struct tls_facts {
    char subject[256]; /* "CN=…, O=…", cut if it is longer */
    char issuer[256];
    char key[16];        /* "EC P-256", "RSA 2048" */
    char valid_from[24]; /* RFC 3339 */
    char valid_until[24];
    u32 certificates; /* of the chain */
};

/* A certificate is in force now: Mbed TLS's mbedtls_x509_crt, which stays until the next call. */
void tls_facts_note(const void *certificate);

void tls_facts_get(struct tls_facts *out);

/* The n-th name or address it is for. Return: false if there are no more. */
bool tls_facts_name(u32 n, char dst[TLS_NAME_MAX + 1]) must_check;

/* The subject of the n-th certificate of a chain, cut if it is longer. Return: false if there are
 * no more; the chain may be NULL. */
struct tls_chain;
bool tls_facts_authority(struct tls_chain *chain, u32 n, char *dst, size_t size) must_check;

/* Why clients may refuse it at this time of the clock; NULL: its time is right, or not known. */
const char *tls_facts_warning(void);

/* The same of any mbedtls_x509_crt. */
const char *tls_facts_validity(const void *certificate);

#endif
