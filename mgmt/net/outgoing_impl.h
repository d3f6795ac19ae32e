/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of outgoing.h. Private to outgoing*.c.
 *
 * FREE → NAMING → CONNECTING → ESTABLISHED → (HANDSHAKE) → OPEN → (HANDSHAKE …) → FREE. One that is
 * ended while its name is looked up is ABANDONED until lwIP has let go of it.
 */
#ifndef SOCLE_MGMT_OUTGOING_IMPL_H
#define SOCLE_MGMT_OUTGOING_IMPL_H

#include "lwip/pbuf.h"
#include "lwip/tcp.h"

#include "mgmt/net/outgoing.h"

#define OUTGOING_IN_BYTES 4096u /* plain text out of TLS, offered at once */

enum outgoing_state {
    OUTGOING_FREE,
    OUTGOING_NAMING,
    OUTGOING_ABANDONED,
    OUTGOING_CONNECTING,
    OUTGOING_ESTABLISHED,
    OUTGOING_HANDSHAKE,
    OUTGOING_OPEN,
};

struct outgoing {
    enum outgoing_state state;
    u32 serial; /* of its use: a callback may free it, and open another in its place */
    const struct outgoing_events *events;
    void *arg;
    char host[OUTGOING_HOST_MAX + 1];
    u16 port;
    struct tcp_pcb *pcb;     /* NULL: none yet, or lwIP has freed it */
    struct tls_trust *trust; /* NULL: no TLS */
    struct tls_session *tls; /* NULL: plain, or its handshake has not begun */
    struct pbuf *pending;    /* received, not taken */
    u32 pending_at;          /* bytes of the first one already taken */
    u32 in_at;
    u32 in_end;
    bool peer_done;  /* it sends nothing more */
    bool wants_room; /* outgoing_send() has refused */
    bool has_room;   /* something was acknowledged since */
    bool has_failed; /* ends at the next poll, with why */
    char why[OUTGOING_WHY_MAX + 1];
    u64 deadline_ns; /* until it is OPEN */
    u64 acked_ns;    /* the peer has acknowledged something, or there was nothing to */
    u8 in[OUTGOING_IN_BYTES];
};

/* Ends at the next poll; the first reason counts. what: "did not answer", a half sentence. */
void outgoing_fail(struct outgoing *o, const char *what);

/* Received bytes, as they are or decrypted, until outgoing_consume(). Return: NULL: none now. */
const u8 *outgoing_input(struct outgoing *o, size_t *bytes) must_check;
void outgoing_consume(struct outgoing *o, size_t bytes);

/* Goes on with TLS's handshake. Return: true if it is done. */
bool outgoing_handshake(struct outgoing *o) must_check;

/* Keeps frames, lwIP's callback. Return: ERR_OK; ERR_MEM: later. */
err_t outgoing_keep(struct outgoing *o, struct pbuf *p) must_check;

/* Lets go of what was received, and of TLS. */
void outgoing_release(struct outgoing *o);

#endif
