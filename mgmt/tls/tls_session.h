/* SPDX-License-Identifier: BSD-2-Clause */
/* A TLS session as Mbed TLS has it, of a server or a client. Private to tls.c and tls_client.c. */
#ifndef SOCLE_MGMT_TLS_SESSION_H
#define SOCLE_MGMT_TLS_SESSION_H

#include "mgmt/port/mbedtls.h"
#include "mgmt/tls/tls.h"

struct tls_session {
    mbedtls_ssl_context ssl;
    const struct tls_io *io;
    void *arg;
    u32 *handshakes;  /* of its kind, under way; NULL: its own is over */
    size_t input;     /* bytes that came */
    size_t input_max; /* in its handshake; 0: what Mbed TLS takes */
    bool is_servers;
    u8 records[8]; /* received, while it is at rest */
};

/* handshakes: what counts it until its handshake is over. Return: NULL if there is no memory. */
struct tls_session *tls_session_open(const mbedtls_ssl_config *config, u32 *handshakes,
                                     const struct tls_io *io, void *arg) must_check;

/* Mbed TLS's source of random numbers. */
int tls_random(void *arg, unsigned char *dst, size_t bytes) must_check;

#endif
