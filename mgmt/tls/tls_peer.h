/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left of a client's certificate after the handshake, in which the client has proven that
 * it has the key. Whose it is, is asked anew for each request, so what changes counts at once.
 */
#ifndef SOCLE_MGMT_TLS_PEER_H
#define SOCLE_MGMT_TLS_PEER_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"
#include "mgmt/auth/user.h"

#define TLS_PEER_NAMES_MAX 4u

struct tls_peer {
    char sha256[2 * SHA256_BYTES + 1]; /* in hex; "": there is none */
    bool is_trusted;                   /* signed by the client CA that was in force … */
    u32 ca_version;                    /* … then: client_ca_version */
    u32 name_count;
    char names[TLS_PEER_NAMES_MAX][USER_CERT_MAX + 1]; /* DNS and e-mail; else the common one */
    u64 from_unix_ns;
    u64 until_unix_ns;
};

/* ssl: mbedtls_ssl_context. The library's copy, which may be large, is freed. */
void tls_peer_read(void *ssl, struct tls_peer *out);

/* Also true while the host does not know the time. */
bool tls_peer_is_in_time(const struct tls_peer *client);

#endif
