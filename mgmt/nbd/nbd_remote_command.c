/* SPDX-License-Identifier: BSD-2-Clause */
/* A request to a remote volume as the commands its server is sent, and their replies. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/nbd/nbd_remote_impl.h"

#define NBD_ESHUTDOWN 108u

void nbd_remote_finish(struct nbd_remote_command *command, int status)
{
    struct volume_req *req = command->req;

    *command = (struct nbd_remote_command){0};
    req->status = status;
    req->done(req);
}

static u64 bytes_of(const struct nbd_remote *r, const struct volume_req *req)
{
    return (u64)req->blocks * r->volume.block_bytes;
}

static enum nbd_command_type type_of(enum blk_op op)
{
    switch (op) {
    case BLK_WRITE:
        return NBD_CMD_WRITE;
    case BLK_FLUSH:
        return NBD_CMD_FLUSH;
    case BLK_DISCARD:
        return NBD_CMD_TRIM;
    case BLK_WRITE_ZEROES:
        return NBD_CMD_WRITE_ZEROES;
    default:
        return NBD_CMD_READ;
    }
}

/* What needs no server, or what this one cannot do any more. Return: 1: the server is asked; else
 * the request's status. */
static int settle_here(struct nbd_remote *r, const struct volume_req *req)
{
    const struct nbd_export_facts *facts = &r->client.facts;

    if (req->op == BLK_FLUSH && r->has_lost) {
        r->has_lost = false;
        return -EIO;
    }
    if (req->op == BLK_FLUSH && !facts->can_flush)
        return 0;
    if ((req->op == BLK_DISCARD && !facts->can_trim) ||
        (req->op == BLK_WRITE_ZEROES && !facts->can_write_zeroes))
        return -EOPNOTSUPP;
    return 1;
}

bool nbd_remote_prepare(struct nbd_remote *r, struct nbd_remote_command *command)
{
    const struct volume_req *req = command->req;
    u64 left = bytes_of(r, req) - command->at;
    u32 most = blk_moves_data(req->op)
                   ? (u32)MIN(NBD_PIECE_MAX, ALIGN_DOWN(r->client.facts.block_max, 4096u))
                   : NBD_RANGE_MAX;
    int status = settle_here(r, req);
    struct nbd_command wire;

    if (status <= 0) {
        nbd_remote_finish(command, status);
        return false;
    }
    command->cookie = ++r->last_cookie;
    command->bytes = (u32)MIN(left, (u64)most);
    command->covered = 0;
    command->status = 0;
    command->written = r->written;
    command->place = command->is_flush ? 0 : req->lba * r->volume.block_bytes + command->at;
    wire = (struct nbd_command){
        .type = (u16)type_of(req->op),
        .cookie = command->cookie,
        .offset = command->place,
        .length = command->bytes,
    };
    nbd_client_command(r->head, &wire);
    return true;
}

static struct nbd_remote_command *find(struct nbd_remote *r, u64 cookie)
{
    for (u32 i = 0; i < NBD_COMMANDS_MAX; i++) {
        if (r->commands[i].state == NBD_REMOTE_SENT && r->commands[i].cookie == cookie)
            return &r->commands[i];
    }
    return NULL;
}

/* One that nobody waits for any more may still have been a read: its data are let pass. */
static int on_find(void *arg, u64 cookie, u64 *offset, u32 *bytes)
{
    struct nbd_remote *r = arg;
    const struct nbd_remote_command *command = find(r, cookie);

    if (!command)
        return -ENOENT;
    *offset = command->place;
    *bytes = command->is_read ? command->bytes : 0;
    return 0;
}

static void on_take(void *arg, u64 cookie, u32 at, const u8 *data, u32 bytes)
{
    struct nbd_remote_command *command = find(arg, cookie);
    u32 piece;

    if (!command || !command->req)
        return;
    command->covered += MIN(bytes, command->bytes - command->covered);
    for (; bytes > 0; at += piece, bytes -= piece) {
        u8 *to = nbd_remote_memory(command->req, command->at + at, &piece);

        piece = MIN(piece, bytes);
        if (data) {
            memcpy(to, data, piece);
            data += piece;
        } else {
            memset(to, 0, piece);
        }
    }
}

static void on_fail(void *arg, u64 cookie, u32 error)
{
    struct nbd_remote_command *command = find(arg, cookie);

    if (!command)
        return;
    if (error == NBD_ESHUTDOWN) {
        nbd_remote_drop(arg, "is shutting down"); /* and may come back */
        return;
    }
    command->status = error == NBD_EPERM     ? -EPERM
                      : error == NBD_ENOSPC  ? -ENOSPC
                      : error == NBD_ENOTSUP ? -EOPNOTSUPP
                                             : -EIO;
}

static void count_write(struct nbd_remote *r)
{
    r->written++;
    if (!r->client.facts.can_flush)
        r->flushed = r->written;
}

static void on_done(void *arg, u64 cookie)
{
    struct nbd_remote *r = arg;
    struct nbd_remote_command *command = find(r, cookie);
    struct volume_req *req = command ? command->req : NULL;

    if (!command)
        return;
    if (!command->is_read && !command->is_flush)
        count_write(r); /* also of one that failed: a part may be written */
    if (!req) {
        *command = (struct nbd_remote_command){0};
        return;
    }
    if (command->is_read && command->status == 0 && command->covered != command->bytes)
        command->status = -EIO;
    if (command->is_flush && command->status == 0)
        r->flushed = MAX(r->flushed, command->written);
    command->at += command->bytes;
    if (command->status != 0 || command->at >= bytes_of(r, req)) {
        nbd_remote_finish(command, command->status);
        return;
    }
    req->blk.begin_ns = time_ns(); /* it goes on */
    command->state = NBD_REMOTE_WAITS;
}

const struct nbd_client_ops nbd_remote_replies = {
    .find = on_find, .take = on_take, .fail = on_fail, .done = on_done};
