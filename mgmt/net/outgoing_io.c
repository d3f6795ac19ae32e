/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes between lwIP's connection and its user: as they are, or through TLS. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/net/outgoing_impl.h"
#include "mgmt/tls/tls_client.h"

/* Frames of all connections that nobody has taken; more are dropped and sent again. */
#define PBUFS_MAX 320u

static u32 pbufs_held;

err_t outgoing_keep(struct outgoing *o, struct pbuf *p)
{
    if (o->pending && pbufs_held + pbuf_clen(p) > PBUFS_MAX)
        return ERR_MEM;
    pbufs_held += pbuf_clen(p);
    if (o->pending)
        pbuf_cat(o->pending, p);
    else
        o->pending = p;
    return ERR_OK;
}

/* `used` bytes of the first frame are done with; the peer may send as many. */
static void drop_pending(struct outgoing *o, size_t used)
{
    struct pbuf *first = o->pending;

    o->pending_at += (u32)used;
    if (o->pcb)
        tcp_recved(o->pcb, (u16_t)used);
    if (o->pending_at < first->len)
        return;
    o->pending_at = 0;
    o->pending = first->next;
    if (first->next)
        pbuf_ref(first->next); /* or the whole chain would go with its first part */
    pbuf_free(first);
    pbufs_held--;
}

static int io_receive(void *arg, u8 *data, size_t bytes)
{
    struct outgoing *o = arg;
    size_t len;

    if (!o->pending)
        return o->peer_done || !o->pcb ? -EIO : -EAGAIN;
    len = MIN(bytes, (size_t)o->pending->len - o->pending_at);
    memcpy(data, (const u8 *)o->pending->payload + o->pending_at, len);
    drop_pending(o, len);
    return (int)len;
}

static int io_send(void *arg, const u8 *data, size_t bytes)
{
    struct outgoing *o = arg;
    size_t len;

    if (!o->pcb)
        return -EIO;
    len = MIN(bytes, MIN((size_t)tcp_sndbuf(o->pcb), (size_t)0xffff));
    if (len == 0 || tcp_write(o->pcb, data, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return -EAGAIN;
    return (int)len;
}

static const struct tls_io io = {io_receive, io_send};

bool outgoing_handshake(struct outgoing *o)
{
    const char *why;
    int rc;

    if (!o->tls && tls_client_is_busy())
        return false;
    if (!o->tls)
        o->tls = tls_client_open(o->trust, o->host, &io, o);
    if (!o->tls) {
        outgoing_fail(o, "cannot be talked to: the memory for TLS is full");
        return false;
    }
    rc = tls_client_handshake(o->tls, o->trust, &why);
    if (rc != 0 && rc != -EAGAIN)
        outgoing_fail(o, why);
    return rc == 0;
}

/* Plain text that nobody has taken; more of it is decrypted if there is none. */
static const u8 *tls_input(struct outgoing *o, size_t *bytes)
{
    int rc;

    if (o->in_at == o->in_end) {
        rc = tls_read(o->tls, o->in, sizeof(o->in));
        if (rc == 0)
            o->peer_done = true;
        else if (rc < 0 && rc != -EAGAIN)
            outgoing_fail(o, rc == -EPROTO ? "broke the rules of TLS"
                                           : "cut the connection without an end of TLS");
        if (rc <= 0)
            return NULL;
        o->in_at = 0;
        o->in_end = (u32)rc;
    }
    *bytes = o->in_end - o->in_at;
    return o->in + o->in_at;
}

const u8 *outgoing_input(struct outgoing *o, size_t *bytes)
{
    if (o->tls)
        return tls_input(o, bytes);
    if (!o->pending)
        return NULL;
    *bytes = o->pending->len - o->pending_at;
    return (const u8 *)o->pending->payload + o->pending_at;
}

void outgoing_consume(struct outgoing *o, size_t bytes)
{
    if (o->tls)
        o->in_at += (u32)bytes;
    else if (bytes > 0)
        drop_pending(o, bytes);
}

int outgoing_send(struct outgoing *o, const void *data, size_t bytes)
{
    int rc;

    if (o->has_failed || o->state != OUTGOING_OPEN)
        return -EIO;
    rc = o->tls ? tls_write(o->tls, data, bytes) : io_send(o, data, bytes);
    if (rc == -EAGAIN)
        o->wants_room = true;
    else if (rc < 0)
        outgoing_fail(o, "cut the connection");
    return rc == -EPROTO ? -EIO : rc;
}

void outgoing_release(struct outgoing *o)
{
    if (o->pending) {
        pbufs_held -= pbuf_clen(o->pending);
        pbuf_free(o->pending);
    }
    o->pending = NULL;
    tls_close(o->tls);
    o->tls = NULL;
    tls_trust_free(o->trust);
    o->trust = NULL;
    mem_wipe(o->in, sizeof(o->in));
}
