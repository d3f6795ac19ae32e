/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD's handshake: options and their answers, until an export is chosen. */
#include "mgmt/nbd/nbd.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/nbd/nbd_wire.h"

#define CLIENT_FLAGS_BYTES 4u
#define EXPORT_NAME_ZEROES 124u

#define PREFERRED_BYTES 4096u

static void expect(struct nbd *nbd, enum nbd_state state)
{
    nbd->state = state;
    nbd->in_len = 0;
}

void nbd_init(struct nbd *nbd, enum nbd_tls tls)
{
    u8 *to = nbd->out;

    memset(nbd, 0, sizeof(*nbd));
    nbd->tls = tls;
    to = nbd_put(to, NBD_MAGIC_GREETING, 8);
    to = nbd_put(to, NBD_MAGIC_OPTION, 8);
    to = nbd_put(to, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES, 2);
    nbd->out_len = (u32)(to - nbd->out);
    expect(nbd, NBD_CLIENT_FLAGS);
}

void nbd_secured(struct nbd *nbd)
{
    nbd->tls = NBD_TLS_NONE;
    nbd->is_structured = false;
    expect(nbd, NBD_OPTION_HEAD);
}

bool nbd_has_begun(const struct nbd *nbd)
{
    return nbd->state == NBD_COMMANDS;
}

bool nbd_is_within(const struct nbd *nbd)
{
    return nbd->state == NBD_OPTION_DATA || nbd->in_len > 0;
}

/* Adds an answer to the option. Return: where its `bytes` of data go. */
static u8 *reply(struct nbd *nbd, u32 type, u32 bytes)
{
    u8 *to = nbd->out + nbd->out_len;

    to = nbd_put(to, NBD_MAGIC_REPLY, 8);
    to = nbd_put(to, nbd->option, 4);
    to = nbd_put(to, type, 4);
    to = nbd_put(to, bytes, 4);
    nbd->out_len = (u32)(to - nbd->out) + bytes;
    return to;
}

/* The option's answer is one word; the next option may come. */
static enum nbd_event answer(struct nbd *nbd, u32 type)
{
    (void)reply(nbd, type, 0);
    expect(nbd, NBD_OPTION_HEAD);
    return NBD_EVENT_SEND;
}

static u16 flags_of(const struct nbd *nbd)
{
    const struct nbd_disk *disk = &nbd->disk;
    u32 flags =
        NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_CAN_MULTI_CONN;

    if (nbd->is_structured)
        flags |= NBD_FLAG_SEND_DF;
    if (disk->is_read_only)
        return (u16)(flags | NBD_FLAG_READ_ONLY);
    if (disk->can_trim)
        flags |= NBD_FLAG_SEND_TRIM;
    if (disk->can_write_zeroes)
        flags |= NBD_FLAG_SEND_WRITE_ZEROES;
    return (u16)flags;
}

static enum nbd_event begin(struct nbd *nbd)
{
    expect(nbd, NBD_COMMANDS);
    return NBD_EVENT_BEGIN;
}

/* Asks for the export whose name these bytes are. Return: as find(); -EINVAL: it is no name. */
static int find(struct nbd *nbd, const struct nbd_ops *ops, const u8 *name, u32 len)
{
    char text[NBD_NAME_MAX + 1];
    int rc;

    if (len > NBD_NAME_MAX)
        return -ENOENT;
    if (memchr(name, '\0', len))
        return -EINVAL;
    memcpy(text, name, len);
    text[len] = '\0';
    rc = ops->find(ops->arg, text, &nbd->disk);
    mem_wipe(text, sizeof(text));
    return rc;
}

/* The oldest way to choose an export: there is no answer but the end. */
static enum nbd_event on_export_name(struct nbd *nbd, const struct nbd_ops *ops)
{
    u8 *to = nbd->out;

    if (find(nbd, ops, nbd->in, nbd->option_len) != 0)
        return NBD_EVENT_BAD;
    to = nbd_put(to, nbd->disk.bytes, 8);
    to = nbd_put(to, flags_of(nbd), 2);
    if (!nbd->no_zeroes) {
        memset(to, 0, EXPORT_NAME_ZEROES);
        to += EXPORT_NAME_ZEROES;
    }
    nbd->out_len = (u32)(to - nbd->out);
    return begin(nbd);
}

static void put_info(struct nbd *nbd)
{
    u8 *to = reply(nbd, NBD_REP_INFO, 12);

    to = nbd_put(to, NBD_INFO_EXPORT, 2);
    to = nbd_put(to, nbd->disk.bytes, 8);
    (void)nbd_put(to, flags_of(nbd), 2);
    to = reply(nbd, NBD_REP_INFO, 14);
    to = nbd_put(to, NBD_INFO_BLOCK_SIZE, 2);
    to = nbd_put(to, nbd->disk.block_bytes, 4);
    to = nbd_put(to, MAX(nbd->disk.block_bytes, PREFERRED_BYTES), 4);
    (void)nbd_put(to, NBD_PAYLOAD_MAX, 4);
}

/* Length of the name, the name, how many kinds of information are wanted, which. */
static enum nbd_event on_info(struct nbd *nbd, const struct nbd_ops *ops)
{
    u64 name_len = nbd->option_len >= 6 ? nbd_get(nbd->in, 4) : 0;
    u64 wanted;
    int rc;

    if (nbd->option_len < 6 || name_len > nbd->option_len - 6)
        return answer(nbd, NBD_REP_ERR_INVALID);
    wanted = nbd_get(nbd->in + 4 + name_len, 2);
    if (nbd->option_len != 6 + name_len + 2 * wanted)
        return answer(nbd, NBD_REP_ERR_INVALID);
    rc = find(nbd, ops, nbd->in + 4, (u32)name_len);
    if (rc != 0)
        return answer(nbd, rc == -EINVAL  ? NBD_REP_ERR_INVALID
                           : rc == -EPERM ? NBD_REP_ERR_TLS_REQD
                                          : NBD_REP_ERR_UNKNOWN);
    put_info(nbd);
    (void)answer(nbd, NBD_REP_ACK);
    return nbd->option == NBD_OPT_GO ? begin(nbd) : NBD_EVENT_SEND;
}

static enum nbd_event on_starttls(struct nbd *nbd)
{
    if (nbd->option_len != 0)
        return answer(nbd, NBD_REP_ERR_INVALID);
    if (nbd->tls == NBD_TLS_NONE)
        return answer(nbd, NBD_REP_ERR_POLICY);
    (void)answer(nbd, NBD_REP_ACK);
    return NBD_EVENT_STARTTLS;
}

static enum nbd_event on_structured_reply(struct nbd *nbd)
{
    if (nbd->option_len != 0)
        return answer(nbd, NBD_REP_ERR_INVALID);
    nbd->is_structured = true;
    return answer(nbd, NBD_REP_ACK);
}

static bool is_forbidden(const struct nbd *nbd)
{
    return nbd->tls == NBD_TLS_REQUIRED && nbd->option != NBD_OPT_STARTTLS &&
           nbd->option != NBD_OPT_ABORT;
}

/* All of an option is there, or it is one whose data were skipped. */
static enum nbd_event on_option(struct nbd *nbd, const struct nbd_ops *ops)
{
    if (is_forbidden(nbd))
        return nbd->option == NBD_OPT_EXPORT_NAME ? NBD_EVENT_BAD
                                                  : answer(nbd, NBD_REP_ERR_TLS_REQD);
    if (nbd->option_len > NBD_OPTION_MAX)
        return nbd->option == NBD_OPT_EXPORT_NAME ? NBD_EVENT_BAD
                                                  : answer(nbd, NBD_REP_ERR_TOO_BIG);
    switch (nbd->option) {
    case NBD_OPT_EXPORT_NAME:
        return on_export_name(nbd, ops);
    case NBD_OPT_ABORT:
        (void)answer(nbd, NBD_REP_ACK);
        return NBD_EVENT_END;
    case NBD_OPT_LIST:
        return answer(nbd, NBD_REP_ERR_POLICY); /* who knows a name may use it: they are not told */
    case NBD_OPT_STARTTLS:
        return on_starttls(nbd);
    case NBD_OPT_INFO:
    case NBD_OPT_GO:
        return on_info(nbd, ops);
    case NBD_OPT_STRUCTURED_REPLY:
        return on_structured_reply(nbd);
    default:
        return answer(nbd, NBD_REP_ERR_UNSUP);
    }
}

static enum nbd_event on_client_flags(struct nbd *nbd)
{
    u64 flags = nbd_get(nbd->in, CLIENT_FLAGS_BYTES);

    if (!(flags & NBD_FLAG_FIXED_NEWSTYLE) ||
        (flags & ~(u64)(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES)))
        return NBD_EVENT_BAD;
    nbd->no_zeroes = flags & NBD_FLAG_NO_ZEROES;
    expect(nbd, NBD_OPTION_HEAD);
    return NBD_EVENT_MORE;
}

static enum nbd_event on_option_head(struct nbd *nbd, const struct nbd_ops *ops)
{
    nbd->option = (u32)nbd_get(nbd->in + 8, 4);
    nbd->option_len = (u32)nbd_get(nbd->in + 12, 4);
    if (nbd_get(nbd->in, 8) != NBD_MAGIC_OPTION || nbd->option_len > NBD_OPTION_SKIP ||
        nbd->options++ == NBD_OPTIONS_MAX)
        return NBD_EVENT_BAD;
    expect(nbd, NBD_OPTION_DATA);
    nbd->skip = nbd->option_len > NBD_OPTION_MAX ? nbd->option_len : 0;
    return nbd->option_len == 0 ? on_option(nbd, ops) : NBD_EVENT_MORE;
}

static enum nbd_event on_request(struct nbd *nbd)
{
    const u8 *from = nbd->in;

    if (nbd_get(from, 4) != NBD_MAGIC_REQUEST)
        return NBD_EVENT_BAD;
    nbd->command = (struct nbd_command){
        .flags = (u16)nbd_get(from + 4, 2),
        .type = (u16)nbd_get(from + 6, 2),
        .cookie = nbd_get(from + 8, 8),
        .offset = nbd_get(from + 16, 8),
        .length = (u32)nbd_get(from + 24, 4),
    };
    expect(nbd, NBD_COMMANDS);
    return nbd->command.type == NBD_CMD_DISC ? NBD_EVENT_END : NBD_EVENT_COMMAND;
}

/* Bytes of what is being collected. */
static u32 wanted(const struct nbd *nbd)
{
    switch (nbd->state) {
    case NBD_CLIENT_FLAGS:
        return CLIENT_FLAGS_BYTES;
    case NBD_OPTION_HEAD:
        return NBD_OPTION_HEAD_BYTES;
    case NBD_OPTION_DATA:
        return nbd->option_len;
    case NBD_COMMANDS:
        break;
    }
    return NBD_REQUEST_BYTES;
}

static enum nbd_event on_collected(struct nbd *nbd, const struct nbd_ops *ops)
{
    switch (nbd->state) {
    case NBD_CLIENT_FLAGS:
        return on_client_flags(nbd);
    case NBD_OPTION_HEAD:
        return on_option_head(nbd, ops);
    case NBD_OPTION_DATA:
        return on_option(nbd, ops);
    case NBD_COMMANDS:
        break;
    }
    return on_request(nbd);
}

enum nbd_event nbd_feed(struct nbd *nbd, const struct nbd_ops *ops, const u8 *data, size_t len,
                        size_t *used)
{
    enum nbd_event event = NBD_EVENT_MORE;

    nbd->out_len = 0;
    *used = 0;
    while (event == NBD_EVENT_MORE && *used < len) {
        u32 bytes =
            (u32)MIN((u64)(nbd->skip ? nbd->skip : wanted(nbd) - nbd->in_len), (u64)(len - *used));

        if (nbd->skip) {
            nbd->skip -= bytes;
        } else {
            memcpy(nbd->in + nbd->in_len, data + *used, bytes);
            nbd->in_len += bytes;
        }
        *used += bytes;
        if (nbd->option_len > NBD_OPTION_MAX && nbd->state == NBD_OPTION_DATA) {
            if (nbd->skip == 0)
                event = on_option(nbd, ops);
        } else if (nbd->in_len == wanted(nbd)) {
            event = on_collected(nbd, ops);
        }
    }
    return event;
}
