/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes between lwIP's connection and the HTTP code: as they are, or through TLS.
 *
 * Received frames wait in `pending`; without TLS they are parsed where they lie, with TLS the
 * library takes them from there and its plain text passes through `in`.
 */
#include "mgmt/http/conn.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/nbd/nbd_conn.h"
#include "mgmt/tls/tls.h"

u32 conn_pbufs_held;

void conn_window_open(const struct conn *conn, u32 bytes)
{
    while (conn->pcb && bytes) {
        u16 step = (u16)MIN(bytes, 0xffffu);

        tcp_recved(conn->pcb, step);
        bytes -= step;
    }
}

/* `used` bytes at the front of pending are done with. */
static void drop_pending(struct conn *conn, u32 used)
{
    conn->pending_at += used;
    conn->pending_bytes -= used;
    while (conn->pending && conn->pending_at >= conn->pending->len) {
        struct pbuf *first = conn->pending;

        conn->pending_at -= first->len;
        conn->pending = first->next;
        if (first->next)
            pbuf_ref(first->next); /* or the whole chain would go with its first part */
        pbuf_free(first);
        conn_pbufs_held--;
    }
    conn_window_open(conn, used);
}

static int io_receive(void *arg, u8 *data, size_t bytes)
{
    struct conn *conn = arg;
    size_t len;

    if (!conn->pending)
        return -EAGAIN;
    len = MIN(bytes, (size_t)conn->pending->len - conn->pending_at);
    memcpy(data, (const u8 *)conn->pending->payload + conn->pending_at, len);
    drop_pending(conn, (u32)len);
    return (int)len;
}

static int io_send(void *arg, const u8 *data, size_t bytes)
{
    struct conn *conn = arg;
    size_t len;

    if (!conn->pcb)
        return -EIO;
    len = MIN(bytes, MIN((size_t)tcp_sndbuf(conn->pcb), (size_t)0xffff));
    if (len == 0 || tcp_write(conn->pcb, data, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return -EAGAIN;
    return (int)len;
}

static const struct tls_io io = {io_receive, io_send};

bool conn_can_handshake(const struct conn *conn)
{
    return conn->state == CONN_HANDSHAKE && conn->pending && (conn->tls || !tls_is_busy());
}

int conn_handshake(struct conn *conn)
{
    int rc;

    if (!conn->tls) {
        conn->tls = tls_open(&io, conn);
        conn->request_ns = time_ns(); /* it may have waited for its turn */
    }
    if (!conn->tls)
        return -ENOMEM;
    rc = tls_handshake(conn->tls);
    if (conn->pcb)
        (void)tcp_output(conn->pcb);
    if (rc == 0) {
        tls_peer_take(conn->tls, &conn->client);
        if (conn->nbd)
            nbd_conn_secured(conn);
        else
            conn->state = CONN_READ;
        conn->active_ns = time_ns();
        conn_run(conn);
        if (!conn->work && !conn->nbd && !tls_rest(conn->tls))
            return -EPROTO; /* more than the end of a handshake has come in its last record */
    }
    return rc;
}

/* Plain text that is not parsed yet; more of it is decrypted if there is none. */
static const u8 *tls_input(struct conn *conn, size_t *len)
{
    int rc;

    if (conn->in_at == conn->in_end) {
        rc = tls_read(conn->tls, conn->in, CONN_IN_BYTES);
        if (rc == 0)
            conn->client_done = true;
        else if (rc < 0 && rc != -EAGAIN)
            conn->must_abort = true;
        if (rc <= 0)
            return NULL;
        conn->in_at = 0;
        conn->in_end = (u32)rc;
    }
    *len = conn->in_end - conn->in_at;
    return conn->in + conn->in_at;
}

const u8 *conn_input(struct conn *conn, size_t *len)
{
    if (conn->must_abort || !conn->pcb)
        return NULL;
    if (conn->tls)
        return tls_input(conn, len);
    if (!conn->pending)
        return NULL;
    *len = conn->pending->len - conn->pending_at;
    return (const u8 *)conn->pending->payload + conn->pending_at;
}

void conn_consume(struct conn *conn, size_t used)
{
    if (conn->tls)
        conn->in_at += (u32)used;
    else
        drop_pending(conn, (u32)used);
}

void conn_discard(struct conn *conn)
{
    conn->in_at = conn->in_end;
    if (conn->pending)
        drop_pending(conn, conn->pending_bytes);
}

int conn_output(struct conn *conn, const char *data, size_t len)
{
    int rc = conn->tls ? tls_write(conn->tls, data, len) : io_send(conn, (const u8 *)data, len);

    if (rc == -EPROTO || rc == -EIO)
        conn->must_abort = true;
    return rc;
}

bool conn_has_unread(const struct conn *conn)
{
    return conn->tls ? conn->in_at != conn->in_end : conn->pending != NULL;
}

void conn_goodbye(const struct conn *conn)
{
    if (conn->tls && conn->pcb && !conn->must_abort)
        tls_goodbye(conn->tls);
}
