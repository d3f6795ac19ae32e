/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at rest: without the buffers of their records, which are most of what a session costs.
 * Private to tls.c. */
#ifndef SOCLE_MGMT_TLS_REST_H
#define SOCLE_MGMT_TLS_REST_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* What both buffers take of the arena. */
#define TLS_BUFFERS_BYTES (21u * 1024)

struct mbedtls_ssl_context;

/* After a server's handshake: frees what it needed, which Mbed TLS keeps in TLS 1.3 although only
 * clients use it again. */
void tls_handshake_forget(struct mbedtls_ssl_context *ssl);

/* After that: gives the buffers back, if nothing is in them. records: where the count of
 * records received is kept meanwhile. Return: whether they are given back now. */
bool tls_buffers_give(struct mbedtls_ssl_context *ssl, u8 records[8]) must_check;

/* Takes them again, before the library is asked to move a byte. Return: false: there is no memory
 * now. */
bool tls_buffers_take(struct mbedtls_ssl_context *ssl, const u8 records[8]) must_check;

#endif
