/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that the host begins: TCP to a name or an address, with TLS if wanted. Context of
 * all: management task.
 *
 * Nothing waits. What happens is told by calls from outgoing_poll(), never from within the
 * functions here, so that a callback may open, send and close as it likes. TLS is never without
 * verification.
 */
#ifndef SOCLE_MGMT_OUTGOING_H
#define SOCLE_MGMT_OUTGOING_H

#include "core/lib/compiler.h"
#include "core/lib/sha256.h"
#include "core/lib/types.h"

#define OUTGOING_MAX      16u /* at the same time; buffers are taken at start */
#define OUTGOING_HOST_MAX 253u
#define OUTGOING_WHY_MAX  255u

struct outgoing; /* opaque */

/* Whom TLS trusts: one of the two. Copied by those who take it. */
struct outgoing_trust {
    const char *ca; /* PEM, at most TLS_CA_PEM_MAX: verifies chain, host name and dates; or NULL: */
    u8 pin[SHA256_BYTES]; /* the SHA-256 of the server's certificate in DER, which is not verified
                             otherwise */
};

struct outgoing_events {
    /* It can be used: TCP's handshake is over, and TLS's, if wanted. Once more after
     * outgoing_start_tls(). */
    void (*connected)(void *arg);
    /* Bytes have come. Return: how many of them are done with; the others are offered again in
     * later turns, and meanwhile the peer is held up. */
    size_t (*received)(void *arg, const u8 *data, size_t bytes);
    /* outgoing_send() has refused bytes before; now there is room. May be NULL. */
    void (*room)(void *arg);
    /*
     * The connection is gone, and its `struct outgoing` with it: nothing more is called. why: one
     * sentence that names host and port, valid during the call; NULL: the peer has ended it in
     * order, and all that it sent has been taken.
     */
    void (*ended)(void *arg, const char *why);
};

/* Takes its memory. Context: boot. Return: 0, -ENOMEM. */
int outgoing_init(void) must_check;

/* Whether it can be a host's name or address: letters, digits, '-', '.', ':', at most
 * OUTGOING_HOST_MAX. */
bool outgoing_host_is_valid(const char *host) must_check;

/* Whether the trust can be used, before anything is opened. Return: 0; -EINVAL, -ENOMEM with *why a
 * sentence. */
int outgoing_check_trust(const struct outgoing_trust *trust, const char **why) must_check;

/*
 * Begins a connection, which gets 20 s until connected(). host: copied, like the trust; NULL for
 * trust: no TLS. events and arg are borrowed until the end. Return: NULL, with *why a sentence: a
 * host or trust that cannot be used, all OUTGOING_MAX are taken, or no memory.
 */
struct outgoing *outgoing_open(const char *host, u16 port, const struct outgoing_trust *trust,
                               const struct outgoing_events *events, void *arg,
                               const char **why) must_check;

/*
 * Begins TLS on a connection without, after the peer has agreed; connected() follows. What the peer
 * sends before it are no bytes of TLS, but an end of the connection: nothing can be slipped in.
 * Return: 0; -EINVAL, -ENOMEM, with *why a sentence.
 */
int outgoing_start_tls(struct outgoing *o, const struct outgoing_trust *trust,
                       const char **why) must_check;

/* Queues bytes, copied; they leave at the end of the agent's turn. Return: how many, at least 1;
 * -EAGAIN: none now, room() follows (with TLS: offer the same bytes again); -EIO: it is ending.
 * bytes: not 0. */
int outgoing_send(struct outgoing *o, const void *data, size_t bytes) must_check;

/* Ends it: what is queued is still sent; or at once. Nothing more is called. */
void outgoing_close(struct outgoing *o);
void outgoing_abort(struct outgoing *o);

/* The agent's turn. Return: true if more could go on at once. */
bool outgoing_poll(void);

#endif
