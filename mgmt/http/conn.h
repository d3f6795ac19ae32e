/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of the server: bytes in, one request at a time, one reply out. Private to
 * server.c, conn*.c and nbd_*.c.
 *
 * HANDSHAKE (TLS only) → READ → (a request is answered) → REPLY → READ again or LINGER → FREE.
 * In between it may WAIT for a password to be checked (auth_password.h), and between READ and REPLY
 * is SETTLE where work is left behind a body: a piece in each poll. While that lasts or a reply is
 * on its way, received frames wait in `pending` and the client's window closes; all connections
 * together hold CONN_PBUFS_MAX.
 *
 * Those of NBD's port stay in NBD, but for the handshake their client may ask for.
 *
 * What a request needs besides, its head and its answer, is a workspace, of which there are fewer
 * than connections: a connection has one from the first byte of a request until the answer has been
 * acknowledged, and waits in READ while none is free. Who only keeps its connection open costs
 * little.
 */
#ifndef SOCLE_MGMT_CONN_H
#define SOCLE_MGMT_CONN_H

#include "lwip/pbuf.h"
#include "lwip/tcp.h"

#include "mgmt/api/api.h"
#include "mgmt/tls/tls_peer.h"

#define CONN_PBUFS_MAX 640u /* of net_task's pool; more is dropped and sent again */
#define CONN_BODY_MAX  (64u * 1024u)
#define CONN_IN_BYTES  2048u /* plain text out of TLS, parsed at once */
#define CONN_BODY_OPEN 512u  /* of a request that needs no token: it gets no buffer others want */
#define CONN_BODIES    16u   /* requests whose body is being collected at the same time */
#define CONN_WORKS     72u   /* requests under way: 64 streams leave room for others */

/* Head, chunk size line, body, end of the chunk and last chunk. */
#define CONN_OUT_FRONT REPLY_HEAD_MAX
#define CONN_OUT_BACK  16u
#define CONN_OUT_BYTES (CONN_OUT_FRONT + REPLY_BODY_MAX + CONN_OUT_BACK)

enum conn_state {
    CONN_FREE,
    CONN_HANDSHAKE,
    CONN_READ,
    CONN_SETTLE,
    CONN_WAIT,
    CONN_REPLY,
    CONN_LINGER,
    CONN_NBD
};

struct conn_work {
    struct http_stream http;
    u8 body_open[CONN_BODY_OPEN];
    u8 in[CONN_IN_BYTES];
    char out[CONN_OUT_BYTES];
};

struct conn {
    struct req req; /* first: handlers get this pointer */
    enum conn_state state;
    struct tcp_pcb *pcb;     /* NULL: lwIP has freed it */
    struct tls_session *tls; /* NULL: plain, or its handshake has not begun */
    struct nbd_session *nbd; /* NULL: it speaks HTTP */
    struct conn_work *work;  /* NULL: between requests, and all it has sent is acknowledged */
    u8 *in;                  /* CONN_IN_BYTES of the workspace, or of NBD's session */
    struct tls_peer client;
    bool redirects; /* every answer sends the client to the TLS port */
    u32 in_at;
    u32 in_end;
    struct pbuf *pending;
    u32 pending_at; /* bytes of the first pbuf already parsed */
    u32 pending_bytes;
    u8 *body; /* from the pool, or body_open, or NULL */
    size_t body_max;
    size_t body_len;
    bool in_request;  /* the head is complete, the end not reached */
    bool is_known;    /* a request of it had a token, a password or the like */
    bool client_done; /* the client sent FIN */
    bool must_abort;  /* at the next poll */
    bool chunked;
    bool is_last_piece; /* out holds the end of the reply */
    bool is_waiting;    /* the source had nothing */
    bool is_settling;   /* the source does not know the answer yet */
    bool wants_work;    /* has something to read, and there was no workspace */
    bool keep_alive;
    u32 out_at;
    u32 out_end;
    u64 active_ns;  /* last byte in or acknowledged */
    u64 request_ns; /* first byte of the request, begin of the handshake */
};

static inline struct conn *conn_of(struct req *req)
{
    return (struct conn *)(void *)req;
}

/* These received bytes are done with: the client may send as many. */
void conn_window_open(const struct conn *conn, u32 bytes);

/* Notes in req.peer who the client is. */
void conn_peer_note(struct conn *conn);

/* True if conn_handshake() would have something to do. */
bool conn_can_handshake(const struct conn *conn);

/* Goes on with the handshake, which costs milliseconds. Return: 0 (the connection reads requests),
 * -EAGAIN; others: close it. */
int conn_handshake(struct conn *conn) must_check;

/* Bytes to parse, valid until conn_consume. Return: NULL if there are none; the connection may
 * then be marked as ended. */
const u8 *conn_input(struct conn *conn, size_t *len) must_check;
void conn_consume(struct conn *conn, size_t used);

/* True if bytes wait to be parsed. */
bool conn_has_unread(const struct conn *conn);

/* Throws away what has been received. */
void conn_discard(struct conn *conn);

/* Queues bytes. Return: how many; -EAGAIN: again later with the same bytes; others: it is marked
 * for its end. */
int conn_output(struct conn *conn, const char *data, size_t len) must_check;

/* Tells a TLS client that no more comes. */
void conn_goodbye(const struct conn *conn);

/* Parses and answers as far as possible. Context: lwIP callback or poll. */
void conn_run(struct conn *conn);

/* In state SETTLE: does a piece of the work, and answers after the last. */
void conn_settle(struct conn *conn);
/* What conn->req waited for is there: goes on with it. */
void conn_resume(struct conn *conn);

/* A complete answer is in conn->req.reply: begin to send it. */
void conn_reply_start(struct conn *conn);

/* Sends what there is room for; at the end goes on to the next request or closes. */
void conn_reply_pump(struct conn *conn);

/* Ends the stream, if any, and the request; gives the body buffer back. */
void conn_request_end(struct conn *conn);

/* Answers an error that no handler has seen (bad HTTP, time-out) and closes. */
void conn_refuse(struct conn *conn, const struct problem *problem);

/* Ends a connection at once; or in order: what is queued is still sent, by lwIP. Not from one of
 * its own callbacks. */
void conn_abort(struct conn *conn);
void conn_close(struct conn *conn);

/* Frames kept by all connections: the bookkeeping of CONN_PBUFS_MAX. */
extern u32 conn_pbufs_held;

/* Workspaces. init: takes their memory. Return: 0, -ENOMEM. */
int conn_work_init(void) must_check;

/* Return: true if the connection has one; else it is noted that it waits. */
bool conn_work_take(struct conn *conn) must_check;

/* Gives it back between two requests, when the client has acknowledged all: what lwIP holds for
 * slow readers is bounded by the number of workspaces. */
void conn_work_settle(struct conn *conn);

/* The connection ends. */
void conn_work_drop(struct conn *conn);

/* How many connections wait for one. */
u32 conn_work_waiting(void);

/* True between requests: nothing of the next one has been parsed. */
bool conn_is_between(const struct conn *conn);

/* Body buffers. */
u8 *conn_body_take(void);
void conn_body_give(u8 *body);

#endif
