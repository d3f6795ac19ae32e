/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD's handshake as a client: TLS, structured replies, and the export. */
#include "mgmt/nbd/nbd_client.h"

#include "core/lib/string.h"
#include "mgmt/nbd/nbd_client_reply.h"

#define GREETING_BYTES 18u
#define BLOCK_MAX      (32u * MiB) /* what every server takes */

static enum nbd_client_event bad(struct nbd_client *c, const char *error)
{
    c->error = error;
    return NBD_CLIENT_BAD;
}

static void expect(struct nbd_client *c, enum nbd_client_state state, u32 bytes)
{
    c->state = state;
    c->want = bytes;
    c->skip = 0;
    c->in_len = 0;
}

void nbd_client_init(struct nbd_client *c, const char *name, bool wants_tls)
{
    memset(c, 0, sizeof(*c));
    c->name = name;
    c->wants_tls = wants_tls;
    expect(c, NBD_CLIENT_GREETING, GREETING_BYTES);
}

/* Adds an option. Return: where its data go. */
static u8 *put_option(struct nbd_client *c, u32 option, u32 bytes)
{
    u8 *to = c->out + c->out_len;

    to = nbd_put(to, NBD_MAGIC_OPTION, 8);
    to = nbd_put(to, option, 4);
    to = nbd_put(to, bytes, 4);
    c->out_len = (u32)(to - c->out) + bytes;
    c->option = option;
    expect(c, NBD_CLIENT_OPTION, NBD_OPTION_REPLY_BYTES);
    return to;
}

static void ask_structured(struct nbd_client *c)
{
    (void)put_option(c, NBD_OPT_STRUCTURED_REPLY, 0);
}

static void ask_go(struct nbd_client *c)
{
    u32 len = (u32)strlen(c->name);
    u8 *to = put_option(c, NBD_OPT_GO, 4 + len + 2 + 2);

    to = nbd_put(to, len, 4);
    memcpy(to, c->name, len);
    to = nbd_put(to + len, 1, 2);
    (void)nbd_put(to, NBD_INFO_BLOCK_SIZE, 2);
    c->facts = (struct nbd_export_facts){.block_min = 1, .block_max = BLOCK_MAX};
    c->knows_size = false;
}

void nbd_client_secured(struct nbd_client *c)
{
    c->out_len = 0;
    ask_structured(c);
}

static enum nbd_client_event on_greeting(struct nbd_client *c)
{
    u64 flags = nbd_get(c->in + 16, 2);

    if (nbd_get(c->in, 8) != NBD_MAGIC_GREETING)
        return bad(c, "is no NBD server");
    if (nbd_get(c->in + 8, 8) != NBD_MAGIC_OPTION || !(flags & NBD_FLAG_FIXED_NEWSTYLE))
        return bad(c, "speaks an old dialect of NBD, not the fixed newstyle one");
    c->out_len =
        (u32)(nbd_put(c->out, flags & (NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES), 4) - c->out);
    if (c->wants_tls)
        (void)put_option(c, NBD_OPT_STARTTLS, 0);
    else
        ask_structured(c);
    return NBD_CLIENT_SEND;
}

/* -- answers to options
 * ---------------------------------------------------------------------------------------------
 */

static const char *why_refused(u32 reply)
{
    switch (reply) {
    case NBD_REP_ERR_UNSUP:
        return "does not know NBD_OPT_GO: it is too old";
    case NBD_REP_ERR_POLICY:
        return "does not let this host use the export";
    case NBD_REP_ERR_TLS_REQD:
        return "wants TLS for this export";
    case NBD_REP_ERR_UNKNOWN:
        return "has no such export";
    case NBD_REP_ERR_SHUTDOWN:
        return "is shutting down";
    case NBD_REP_ERR_BLOCK_SIZE:
        return "wants a block size that the host does not know";
    default:
        return "refused the export";
    }
}

static enum nbd_client_event begin(struct nbd_client *c)
{
    if (!c->knows_size)
        return bad(c, "did not say how large the export is");
    nbd_client_reply_expect(c);
    return NBD_CLIENT_BEGIN;
}

/* All of an answer is there. */
static enum nbd_client_event on_answer(struct nbd_client *c)
{
    bool is_error = c->reply & NBD_REP_ERROR;

    switch (c->option) {
    case NBD_OPT_STARTTLS:
        if (c->reply == NBD_REP_ACK)
            return NBD_CLIENT_STARTTLS;
        return bad(c, "does not offer TLS");
    case NBD_OPT_STRUCTURED_REPLY:
        c->is_structured = c->reply == NBD_REP_ACK;
        if (!is_error && !c->is_structured)
            return bad(c, "broke the rules of NBD's handshake");
        if (c->reply == NBD_REP_ERR_TLS_REQD)
            return bad(c, why_refused(c->reply));
        ask_go(c);
        return NBD_CLIENT_SEND;
    default:
        break;
    }
    if (is_error)
        return bad(c, why_refused(c->reply));
    if (c->reply == NBD_REP_ACK)
        return begin(c);
    expect(c, NBD_CLIENT_OPTION, NBD_OPTION_REPLY_BYTES);
    return NBD_CLIENT_MORE;
}

static void take_export(struct nbd_client *c)
{
    u64 flags = nbd_get(c->in + 10, 2);

    c->knows_size = true;
    c->facts.bytes = nbd_get(c->in + 2, 8);
    c->facts.is_read_only = flags & NBD_FLAG_READ_ONLY;
    c->facts.can_flush = flags & NBD_FLAG_SEND_FLUSH;
    c->facts.can_trim = flags & NBD_FLAG_SEND_TRIM;
    c->facts.can_write_zeroes = flags & NBD_FLAG_SEND_WRITE_ZEROES;
}

static void take_block_size(struct nbd_client *c)
{
    c->facts.block_min = (u32)nbd_get(c->in + 2, 4);
    c->facts.block_max = (u32)MIN(nbd_get(c->in + 10, 4), BLOCK_MAX);
}

/* What is looked at of an answer has come in. */
static enum nbd_client_event on_option_data(struct nbd_client *c)
{
    u64 kind = c->in_len >= 2 ? nbd_get(c->in, 2) : UINT64_MAX;

    if (c->option == NBD_OPT_GO && c->reply == NBD_REP_INFO) {
        if (kind == NBD_INFO_EXPORT && c->in_len == 12 && c->skip == 0)
            take_export(c);
        else if (kind == NBD_INFO_BLOCK_SIZE && c->in_len == 14 && c->skip == 0)
            take_block_size(c);
    }
    return c->skip == 0 ? on_answer(c) : NBD_CLIENT_MORE;
}

static enum nbd_client_event on_option(struct nbd_client *c)
{
    u32 bytes = (u32)nbd_get(c->in + 16, 4);

    c->reply = (u32)nbd_get(c->in + 12, 4);
    if (nbd_get(c->in, 8) != NBD_MAGIC_REPLY || nbd_get(c->in + 8, 4) != c->option ||
        bytes > NBD_CLIENT_REPLY_MAX || c->replies++ == NBD_CLIENT_REPLIES_MAX)
        return bad(c, "broke the rules of NBD's handshake");
    expect(c, NBD_CLIENT_OPTION_DATA, (u32)MIN(bytes, sizeof(c->in)));
    c->skip = bytes - c->want;
    return bytes == 0 ? on_answer(c) : NBD_CLIENT_MORE;
}

static enum nbd_client_event on_collected(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    switch (c->state) {
    case NBD_CLIENT_GREETING:
        return on_greeting(c);
    case NBD_CLIENT_OPTION:
        return on_option(c);
    case NBD_CLIENT_OPTION_DATA:
        return on_option_data(c);
    default:
        return nbd_client_reply_collected(c, ops);
    }
}

/* The bytes nobody looks at are over. */
static enum nbd_client_event on_skipped(struct nbd_client *c, const struct nbd_client_ops *ops)
{
    return c->state == NBD_CLIENT_OPTION_DATA ? on_answer(c) : nbd_client_reply_skipped(c, ops);
}

/* Collects what is wanted, then throws the rest away. Return: bytes taken. */
static size_t collect(struct nbd_client *c, const u8 *data, size_t len)
{
    size_t bytes;

    if (c->in_len == c->want) {
        bytes = MIN(len, (size_t)c->skip);
        c->skip -= (u32)bytes;
        return bytes;
    }
    bytes = MIN(len, (size_t)(c->want - c->in_len));
    memcpy(c->in + c->in_len, data, bytes);
    c->in_len += (u32)bytes;
    return bytes;
}

enum nbd_client_event nbd_client_feed(struct nbd_client *c, const struct nbd_client_ops *ops,
                                      const u8 *data, size_t len, size_t *used)
{
    enum nbd_client_event event = NBD_CLIENT_MORE;

    c->out_len = 0;
    *used = 0;
    while (event == NBD_CLIENT_MORE && *used < len) {
        bool was_whole;

        if (c->state == NBD_CLIENT_DATA) {
            *used += nbd_client_reply_data(c, ops, data + *used, len - *used);
            continue;
        }
        was_whole = c->in_len == c->want;
        *used += collect(c, data + *used, len - *used);
        if (was_whole && c->skip == 0)
            event = on_skipped(c, ops);
        else if (!was_whole && c->in_len == c->want)
            event = on_collected(c, ops);
    }
    return event;
}

void nbd_client_command(u8 out[NBD_REQUEST_BYTES], const struct nbd_command *command)
{
    u8 *to = nbd_put(out, NBD_MAGIC_REQUEST, 4);

    to = nbd_put(to, command->flags, 2);
    to = nbd_put(to, command->type, 2);
    to = nbd_put(to, command->cookie, 8);
    to = nbd_put(to, command->offset, 8);
    (void)nbd_put(to, command->length, 4);
}
