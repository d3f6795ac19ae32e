/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies: a simple one is its head and, of a read without an error, the data; a structured one is
 * chunks, which may come in between those of others, and of which the last one says so.
 */
#include "mgmt/nbd/nbd_client_reply.h"

#include "core/lib/string.h"

#define SIMPLE_BYTES 16u
#define OFFSET_BYTES 8u
#define HOLE_BYTES   12u
#define ERROR_BYTES  6u /* the number and the length of a text */

static enum nbd_client_event bad(struct nbd_client *c)
{
    c->error = "sent a reply that breaks the rules of NBD";
    return NBD_CLIENT_BAD;
}

static void expect(struct nbd_client *c, enum nbd_client_state state, u32 bytes)
{
    c->state = state;
    c->want = bytes;
    c->skip = 0;
    c->in_len = 0;
}

void nbd_client_reply_expect(struct nbd_client *c)
{
    expect(c, NBD_CLIENT_REPLY, 4);
}

/* A part of a reply has been taken. */
static enum nbd_client_event part_over(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    nbd_client_reply_expect(c);
    if (c->is_last)
        ops->done(ops->arg, c->cookie);
    return NBD_CLIENT_MORE;
}

/* `bytes` of the read's data follow, at c->at. */
static enum nbd_client_event data_begin(struct nbd_client *c, const struct nbd_client_ops *ops,
                                        u32 bytes)
{
    if (bytes == 0)
        return part_over(c, ops);
    expect(c, NBD_CLIENT_DATA, bytes);
    return NBD_CLIENT_MORE;
}

size_t nbd_client_reply_data(struct nbd_client *c, const struct nbd_client_ops *ops, const u8 *data,
                             size_t len)
{
    u32 bytes = (u32)MIN(len, (size_t)c->want);

    ops->take(ops->arg, c->cookie, c->at, data, bytes);
    c->at += bytes;
    c->want -= bytes;
    if (c->want == 0)
        (void)part_over(c, ops);
    return bytes;
}

/* Spec: "Simple reply message". */
static enum nbd_client_event on_simple(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    u32 error = (u32)nbd_get(c->in + 4, 4);

    c->cookie = nbd_get(c->in + 8, 8);
    c->at = 0;
    c->is_last = true;
    if (ops->find(ops->arg, c->cookie, &c->offset, &c->bytes) != 0 ||
        (c->is_structured && c->bytes > 0))
        return bad(c); /* reads are answered by chunks once that was agreed */
    if (error == 0)
        return data_begin(c, ops, c->bytes);
    ops->fail(ops->arg, c->cookie, error);
    return part_over(c, ops);
}

/* Where data of the read begin. Return: false: not within it. */
static bool set_place(struct nbd_client *c, u64 offset, u64 bytes)
{
    if (offset < c->offset || offset - c->offset > c->bytes ||
        bytes > c->bytes - (offset - c->offset))
        return false;
    c->at = (u32)(offset - c->offset);
    return true;
}

/* The head of a chunk, and as much of what follows as says what it is. */
static enum nbd_client_event on_chunk(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    u32 kind = (u32)nbd_get(c->in + 6, 2), bytes = (u32)nbd_get(c->in + 16, 4);
    u32 want = kind == NBD_CHUNK_OFFSET_DATA   ? OFFSET_BYTES
               : kind == NBD_CHUNK_OFFSET_HOLE ? HOLE_BYTES
               : kind & NBD_CHUNK_IS_ERROR     ? ERROR_BYTES
                                               : 0;

    c->is_last = nbd_get(c->in + 4, 2) & NBD_CHUNK_DONE;
    c->cookie = nbd_get(c->in + 8, 8);
    c->reply = kind;
    if (bytes < want || ops->find(ops->arg, c->cookie, &c->offset, &c->bytes) != 0)
        return bad(c);
    if (kind == NBD_CHUNK_NONE)
        return bytes == 0 && c->is_last ? part_over(c, ops) : bad(c);
    if (want == 0 || (kind == NBD_CHUNK_OFFSET_HOLE && bytes != want) ||
        (kind & NBD_CHUNK_IS_ERROR && bytes > NBD_CLIENT_REPLY_MAX) ||
        (kind == NBD_CHUNK_OFFSET_DATA && bytes - want > c->bytes))
        return bad(c);
    expect(c, NBD_CLIENT_ERROR, want);
    c->skip = bytes - want;
    return NBD_CLIENT_MORE;
}

static enum nbd_client_event on_data_head(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    u32 bytes = c->skip;

    if (bytes == 0 || !set_place(c, nbd_get(c->in, 8), bytes))
        return bad(c);
    return data_begin(c, ops, bytes);
}

static enum nbd_client_event on_hole(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    u32 bytes = (u32)nbd_get(c->in + 8, 4);

    if (bytes == 0 || !set_place(c, nbd_get(c->in, 8), bytes))
        return bad(c);
    ops->take(ops->arg, c->cookie, c->at, NULL, bytes);
    return part_over(c, ops);
}

static enum nbd_client_event on_error(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    u32 error = (u32)nbd_get(c->in, 4);

    ops->fail(ops->arg, c->cookie, error ? error : (u32)NBD_EIO);
    return part_over(c, ops);
}

enum nbd_client_event nbd_client_reply_skipped(struct nbd_client *c,
                                               const struct nbd_client_ops *ops)
{
    return on_error(c, ops);
}

enum nbd_client_event nbd_client_reply_collected(struct nbd_client *c,
                                                 const struct nbd_client_ops *ops)
{
    if (c->state == NBD_CLIENT_ERROR) {
        if (c->reply == NBD_CHUNK_OFFSET_DATA)
            return on_data_head(c, ops);
        if (c->reply == NBD_CHUNK_OFFSET_HOLE)
            return on_hole(c, ops);
        return c->skip == 0 ? on_error(c, ops) : NBD_CLIENT_MORE;
    }
    if (c->state == NBD_CLIENT_CHUNK)
        return c->want == SIMPLE_BYTES ? on_simple(c, ops) : on_chunk(c, ops);
    c->state = NBD_CLIENT_CHUNK; /* the magic says how long the head is */
    if (nbd_get(c->in, 4) == NBD_MAGIC_SIMPLE)
        c->want = SIMPLE_BYTES;
    else if (nbd_get(c->in, 4) == NBD_MAGIC_CHUNK && c->is_structured)
        c->want = NBD_CHUNK_HEAD_BYTES;
    else
        return bad(c);
    return NBD_CLIENT_MORE;
}
