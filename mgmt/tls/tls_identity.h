/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's key and self-signed certificate. Private to tls*.c. */
#ifndef SOCLE_MGMT_TLS_IDENTITY_H
#define SOCLE_MGMT_TLS_IDENTITY_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Context: management task, or boot. A certificate made before is freed: no session may use it. */
int tls_identity_make(const char *hostname, u32 address) must_check;

#define TLS_KEY_BYTES 32u

/* The private key, to be kept and wiped. Return: 0; -EIO: there is none yet. */
int tls_identity_secret(u8 secret[TLS_KEY_BYTES]) must_check;

/* Takes a key that was kept, before one is made. Return: 0; -EINVAL (it is none), -ENOMEM. */
int tls_identity_take(const u8 secret[TLS_KEY_BYTES]) must_check;

/*
 * Of random bytes a certificate's serial number: positive, and in the shortest form DER knows,
 * which no leading byte of zeroes is in. Clients do not read a certificate with another. Spec:
 * X.690, 8.3 "Encoding of an integer value"; RFC 5280, 4.1.2.2 "Serial Number".
 */
static inline void tls_serial_from_random(u8 *serial)
{
    serial[0] = (u8)((serial[0] & 0x7f) | 0x40);
}

/* Mbed TLS's mbedtls_x509_crt and mbedtls_pk_context; valid after tls_identity_make. */
void *tls_identity_certificate(void);
void *tls_identity_key(void);

#endif
