/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection of a remote volume: made, agreed on, lost; commands out, replies in. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mgmt/nbd/nbd_remote_impl.h"
#include "mm/layout.h"

#define RETRY_FIRST_NS (250 * NS_PER_MS)
#define RETRY_MAX      4u /* doublings: 4 s */
#define BLOCK_LARGE    4096u

static void note(struct nbd_remote *r, const char *why)
{
    if (strcmp(r->reason, why) != 0)
        log_warn("nbd", "volume %s: %s", r->volume.name, why);
    (void)str_copy(r->reason, sizeof(r->reason), why);
}

/* what: a half sentence about the server. */
static void note_server(struct nbd_remote *r, const char *what)
{
    char why[OUTGOING_WHY_MAX + 1];

    ksnprintf(why, sizeof(why), "%.150s port %u %s.", r->server->host, r->server->port, what);
    note(r, why);
}

static void retry_later(struct nbd_remote *r)
{
    r->retry_ns = time_ns() + (RETRY_FIRST_NS << MIN(r->failures, RETRY_MAX));
    r->failures++;
}

static void lost(struct nbd_remote *r)
{
    r->o = NULL;
    retry_later(r);
    nbd_remote_lost(r);
}

void nbd_remote_drop(struct nbd_remote *r, const char *why)
{
    note_server(r, why);
    if (!r->o)
        return;
    outgoing_abort(r->o);
    lost(r);
}

/* -- the handshake
 * -----------------------------------------------------------------------------------------------
 */

/* It is small, and nothing else is queued: what does not fit at once never will. */
static void send_handshake(struct nbd_remote *r)
{
    if (r->client.out_len > 0 &&
        outgoing_send(r->o, r->client.out, r->client.out_len) != (int)r->client.out_len)
        nbd_remote_drop(r, "does not take what the host has to say");
}

static void begin_tls(struct nbd_remote *r)
{
    struct outgoing_trust trust = {.ca = r->server->has_pin ? NULL : r->server->ca};
    const char *why;

    memcpy(trust.pin, r->server->pin, sizeof(trust.pin));
    if (outgoing_start_tls(r->o, &trust, &why) == 0)
        return;
    note(r, why);
    outgoing_abort(r->o);
    lost(r);
}

/* Return: what is wrong with what the server has; NULL: nothing, and it can be used. */
static const char *check_facts(const struct nbd_remote *r, u32 block_bytes)
{
    const struct nbd_export_facts *facts = &r->client.facts;
    const struct volume *volume = &r->volume;
    u64 count = facts->bytes / block_bytes;

    if (facts->block_min == 0 || facts->block_min > BLOCK_LARGE)
        return "wants blocks of 0, or more than 4096, bytes";
    if (facts->block_max < BLOCK_LARGE)
        return "takes no requests of 4096 bytes";
    if (count == 0 || facts->bytes > BLK_BYTES_MAX)
        return "has an export of a size that no disk has";
    if (volume_blocks(volume) == 0)
        return NULL;
    if (volume->block_bytes != block_bytes || volume_blocks(volume) != count)
        return "has come back with an export of another size: delete the volume and make it again";
    if (facts->is_read_only && !volume->is_read_only)
        return "has come back with an export that can only be read";
    return NULL;
}

/* What guests are told stays as it was at first; their disks do not change. */
static void take_facts(struct nbd_remote *r, u32 block_bytes)
{
    const struct nbd_export_facts *facts = &r->client.facts;
    struct volume *volume = &r->volume;

    if (volume_blocks(volume) != 0)
        return;
    volume->block_bytes = block_bytes;
    volume->is_read_only |= facts->is_read_only;
    volume->has_write_cache = facts->can_flush;
    volume->can_discard = facts->can_trim && !volume->is_read_only;
    volume->can_write_zeroes = facts->can_write_zeroes && !volume->is_read_only;
    volume->discard_bytes = BLOCK_LARGE;
    __atomic_store_n(&volume->block_count, facts->bytes / block_bytes, __ATOMIC_RELEASE);
}

static void begin(struct nbd_remote *r)
{
    u32 block_bytes = r->client.facts.block_min <= 512 ? 512 : BLOCK_LARGE;
    const char *wrong = check_facts(r, block_bytes);

    if (wrong) {
        nbd_remote_drop(r, wrong);
        return;
    }
    take_facts(r, block_bytes);
    r->is_online = true;
    r->failures = 0;
    r->down_ns = 0;
    r->reason[0] = '\0';
    log_info("nbd", "volume %s: connected to %s port %u, %llu MiB", r->volume.name, r->server->host,
             r->server->port, (unsigned long long)(volume_bytes(&r->volume) / MiB));
}

/* -- what the connection tells
 * -----------------------------------------------------------------------------------
 */

static void on_connected(void *arg)
{
    struct nbd_remote *r = arg;

    if (r->client.state == NBD_CLIENT_GREETING)
        return; /* the server speaks first */
    nbd_client_secured(&r->client);
    send_handshake(r);
}

static void on_event(struct nbd_remote *r, enum nbd_client_event event)
{
    switch (event) {
    case NBD_CLIENT_MORE:
        break;
    case NBD_CLIENT_SEND:
        send_handshake(r);
        break;
    case NBD_CLIENT_STARTTLS:
        begin_tls(r);
        break;
    case NBD_CLIENT_BEGIN:
        begin(r);
        break;
    case NBD_CLIENT_BAD:
        nbd_remote_drop(r, r->client.error);
        break;
    }
}

static size_t on_received(void *arg, const u8 *data, size_t bytes)
{
    struct nbd_remote *r = arg;
    const struct nbd_client_ops *ops = &nbd_remote_replies;
    struct nbd_client_ops mine = *ops;
    const struct outgoing *o = r->o;
    size_t at = 0, used;

    mine.arg = r;
    while (at < bytes && r->o == o) {
        enum nbd_client_event event =
            nbd_client_feed(&r->client, &mine, data + at, bytes - at, &used);

        at += used;
        if (r->o != o) /* a reply was the end of it */
            break;
        on_event(r, event);
        if (event == NBD_CLIENT_STARTTLS)
            break; /* what stands behind it is not of TLS: the connection ends with it */
    }
    if (r->o == o)
        nbd_remote_pump(r);
    return at;
}

static void on_room(void *arg)
{
    nbd_remote_pump(arg);
}

static void on_ended(void *arg, const char *why)
{
    struct nbd_remote *r = arg;

    if (why)
        note(r, why);
    else
        note_server(r, "ended the connection");
    lost(r);
}

static const struct outgoing_events events = {
    .connected = on_connected, .received = on_received, .room = on_room, .ended = on_ended};

void nbd_remote_connect(struct nbd_remote *r)
{
    const char *why;

    nbd_client_init(&r->client, r->export, r->server->has_tls);
    r->o = outgoing_open(r->server->host, r->server->port, NULL, &events, r, &why);
    if (r->o)
        return;
    note(r, why);
    retry_later(r);
}

/* -- commands out
 * -------------------------------------------------------------------------------------------------
 */

u8 *nbd_remote_memory(const struct volume_req *req, u64 at, u32 *bytes)
{
    const struct blk_seg *seg = req->segs;

    while (at >= seg->bytes) {
        at -= seg->bytes;
        seg++;
    }
    *bytes = seg->bytes - (u32)at;
    return (u8 *)hpa_to_ptr(seg->address) + at;
}

/* The oldest that waits, made ready. NULL: there is none. */
static struct nbd_remote_command *next(struct nbd_remote *r)
{
    for (;;) {
        struct nbd_remote_command *found = NULL;

        for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
            struct nbd_remote_command *command = &r->commands[i];

            if (command->state == NBD_REMOTE_WAITS && (!found || command->cookie < found->cookie))
                found = command;
        }
        if (!found || nbd_remote_prepare(r, found))
            return found;
    }
}

/* Bytes of it: its head, and the data of a write. */
static u32 wire_bytes(const struct nbd_remote_command *command)
{
    return NBD_REQUEST_BYTES + (command->req->op == BLK_WRITE ? command->bytes : 0);
}

/* Sends some of what is being sent. Return: false: no more now. */
static bool send_some(struct nbd_remote *r)
{
    const struct nbd_remote_command *command = r->sending;
    const u8 *from = r->head + r->sent;
    u32 bytes = NBD_REQUEST_BYTES - MIN(r->sent, NBD_REQUEST_BYTES);
    int rc;

    if (bytes == 0) {
        u32 at = r->sent - NBD_REQUEST_BYTES;

        from = nbd_remote_memory(command->req, command->at + at, &bytes);
        bytes = MIN(bytes, command->bytes - at);
    }
    rc = outgoing_send(r->o, from, bytes);
    if (rc < 0)
        return false; /* there will be room, or an end */
    r->sent += (u32)rc;
    return true;
}

void nbd_remote_pump(struct nbd_remote *r)
{
    while (r->is_online) {
        if (!r->sending) {
            r->sending = next(r);
            r->sent = 0;
        }
        if (!r->sending || !send_some(r))
            return;
        if (r->sent < wire_bytes(r->sending))
            continue;
        r->sending->state = NBD_REMOTE_SENT;
        r->sending = NULL;
    }
}
