/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS 1.2 and 1.3 for the server's connections, on Mbed TLS; clients' sessions are opened by
 * tls_client.h and used like these. Context of all: management task, or boot.
 *
 * All of the library's memory is one arena of fixed size, so that no client changes how much memory
 * the host has free. A session moves bytes through the two functions it is given and never waits.
 */
#ifndef SOCLE_MGMT_TLS_H
#define SOCLE_MGMT_TLS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Sessions whose handshake is under way at the same time; more wait for their turn. */
#define TLS_HANDSHAKES_MAX 16u

/* Sessions of the server at the same time: one for each connection; and those of them that are not
 * at rest after their handshake. */
#define TLS_SESSIONS_MAX 224u
#define TLS_ACTIVE_MAX   88u

struct tls_session;
struct tls_chain;

/* How a session reaches the network. Return: bytes moved, at least 1; -EAGAIN (none now); -EIO. */
struct tls_io {
    int (*receive)(void *arg, u8 *data, size_t bytes);
    int (*send)(void *arg, const u8 *data, size_t bytes);
};

/*
 * Takes memory and seeds the random numbers; seed: the firmware's, 0 bytes if it had none.
 * Return: 0; -ENOMEM; -ENODATA (no entropy: there can be no TLS); -EIO.
 */
int tls_init(const u8 *seed, size_t bytes) must_check;

/*
 * Makes the key, at the first call, and a certificate for this name and address, self-signed. It is
 * in force unless the administrator's is. Sessions whose handshake is under way must have been
 * closed. address: IPv4, network byte order; 0: none. Return: 0, -EIO, -ENOMEM.
 */
int tls_identify(const char *hostname, u32 address) must_check;

/*
 * Puts an administrator's chain in force, in place of what is; NULL: the self-made one again, after
 * tls_identify. It owns the chain then. Sessions whose handshake is under way must have been
 * closed, others go on. Return: 0; -ENOMEM, only while none is in force.
 */
int tls_install(struct tls_chain *chain) must_check;

/* True while it is the administrator's. */
bool tls_is_own(void);

/* SHA-256 of the certificate in force in hex, and of the public key as curl's --pinnedpubkey has
 * it; "" before the first. */
const char *tls_fingerprint(void);
const char *tls_key_pin(void);

/*
 * Whether clients are asked for a certificate, which they may refuse; authorities: who may have
 * signed it (NULL: none), borrowed. Sessions whose handshake is under way must have been closed.
 */
void tls_ask_clients(bool asks, struct tls_chain *authorities);

/* After the handshake, once: what the client has shown. */
struct tls_peer;
void tls_peer_take(struct tls_session *session, struct tls_peer *out);

/* True while TLS_HANDSHAKES_MAX handshakes are under way: no other session can be opened. */
bool tls_is_busy(void);

/* Not while tls_is_busy(). io and arg are borrowed until tls_close. Return: NULL if there is no
 * memory. */
struct tls_session *tls_open(const struct tls_io *io, void *arg) must_check;

/* NULL is allowed. Nothing more is sent. */
void tls_close(struct tls_session *session);

/*
 * The session is not used for a while: it gives the buffers of its records back, which are most of
 * what it costs, and takes them again when it reads or writes. Not in its handshake; NULL is
 * allowed. Return: false: part of a record is in them, so it keeps them.
 */
bool tls_rest(struct tls_session *session) must_check;

/* Goes on with the handshake. Return: 0 (done); -EAGAIN; -EPROTO (the peer speaks no TLS, or
 * has nothing in common with us: an alert has been sent); -EIO. */
int tls_handshake(struct tls_session *session) must_check;

/* Return: bytes read, at least 1; 0 (the client has ended its side); -EAGAIN (nothing
 * came, or more sessions than TLS_ACTIVE_MAX are not at rest); -EPROTO, -EIO. */
int tls_read(struct tls_session *session, void *dst, size_t bytes) must_check;

/* Return: bytes taken, at least 1; -EAGAIN: call again with the same data; -EPROTO, -EIO. */
int tls_write(struct tls_session *session, const void *data, size_t bytes) must_check;

/* Tells the client that no more comes; what does not fit now is not sent. */
void tls_goodbye(struct tls_session *session);

#endif
