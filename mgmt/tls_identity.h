/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's key and self-signed certificate. Private to tls.c and tls_identity.c. */
#ifndef SOCLE_MGMT_TLS_IDENTITY_H
#define SOCLE_MGMT_TLS_IDENTITY_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Context: management task, or boot. A certificate made before is freed: no session may use it. */
int tls_identity_make(const char *hostname, u32 address) must_check;

/* Mbed TLS's mbedtls_x509_crt and mbedtls_pk_context; valid after tls_identity_make. */
void *tls_identity_certificate(void);
void *tls_identity_key(void);

#endif
