/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of the server: bytes in, one request at a time, one reply out. Private to
 * server.c, conn.c and conn_reply.c.
 *
 * READ → (a request is answered) → REPLY → READ again or LINGER → FREE. While a reply is on its
 * way, received frames wait in `pending` and the client's window closes; all connections together
 * hold CONN_PBUFS_MAX.
 */
#ifndef SOCLE_MGMT_CONN_H
#define SOCLE_MGMT_CONN_H

#include "lwip/pbuf.h"
#include "lwip/tcp.h"

#include "mgmt/api.h"

#define CONN_PBUFS_MAX 640u /* of net_task's pool; more is dropped and sent again */
#define CONN_BODY_MAX  (64u * 1024u)
#define CONN_BODIES    16u /* requests whose body is being collected at the same time */

/* Head, chunk size line, body, end of the chunk and last chunk. */
#define CONN_OUT_FRONT REPLY_HEAD_MAX
#define CONN_OUT_BACK  16u
#define CONN_OUT_BYTES (CONN_OUT_FRONT + REPLY_BODY_MAX + CONN_OUT_BACK)

enum conn_state { CONN_FREE, CONN_READ, CONN_REPLY, CONN_LINGER };

struct conn {
    struct req req; /* first: handlers get this pointer */
    enum conn_state state;
    struct tcp_pcb *pcb; /* NULL: lwIP has freed it */
    struct pbuf *pending;
    u32 pending_at; /* bytes of the first pbuf already parsed */
    u32 pending_bytes;
    u8 *body; /* from the pool, or NULL */
    size_t body_len;
    bool in_request;  /* the head is complete, the end not reached */
    bool client_done; /* the client sent FIN */
    bool must_abort;  /* at the next poll */
    bool chunked;
    bool is_last_piece; /* out holds the end of the reply */
    bool is_waiting;    /* the source had nothing */
    bool keep_alive;
    u32 out_at;
    u32 out_end;
    u64 active_ns;  /* last byte in or acknowledged */
    u64 request_ns; /* first byte of the request */
    struct http_stream http;
    char out[CONN_OUT_BYTES];
};

static inline struct conn *conn_of(struct req *req)
{
    return (struct conn *)(void *)req;
}

/* These received bytes are done with: the client may send as many. */
void conn_window_open(const struct conn *conn, u32 bytes);

/* Parses and answers as far as possible. Context: lwIP callback or poll. */
void conn_run(struct conn *conn);

/* A complete answer is in conn->req.reply: begin to send it. */
void conn_reply_start(struct conn *conn);

/* Sends what there is room for; at the end goes on to the next request or closes. */
void conn_reply_pump(struct conn *conn);

/* Ends the stream, if any, and the request; gives the body buffer back. */
void conn_request_end(struct conn *conn);

/* Answers an error that no handler has seen (bad HTTP, time-out) and closes. */
void conn_refuse(struct conn *conn, const struct problem *problem);

/* Frames kept by all connections: the bookkeeping of CONN_PBUFS_MAX. */
extern u32 conn_pbufs_held;

/* Body buffers. */
u8 *conn_body_take(void);
void conn_body_give(u8 *body);

#endif
