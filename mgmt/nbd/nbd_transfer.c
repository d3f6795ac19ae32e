/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD commands on a volume, piece by piece. */
#include "mgmt/nbd/nbd_transfer.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/layout.h"

#define RANGE_BYTES (64u * 1024u * 1024u) /* of a discard at a time */

static u8 *piece_of(const struct nbd_transfer *t)
{
    return t->buffer + NBD_FRONT_BYTES;
}

static void send(struct nbd_transfer *t, const u8 *data, u32 len)
{
    t->out = data;
    t->out_len = len;
}

static void on_done(struct volume_req *req)
{
    struct nbd_transfer *t = req->arg;
    void (*wake)(void) = t->wake; /* the transfer may end with the next store */

    __atomic_store_n(&t->is_answered, true, __ATOMIC_RELEASE);
    wake();
}

bool nbd_transfer_is_asking(const struct nbd_transfer *t)
{
    return (t->work == NBD_WORK_ASK || t->work == NBD_WORK_FLUSH) &&
           !__atomic_load_n(&t->is_answered, __ATOMIC_ACQUIRE);
}

static void ask(struct nbd_transfer *t, enum nbd_work work, enum blk_op op, u64 at, u32 bytes)
{
    t->work = work;
    t->is_answered = false;
    t->seg = (struct blk_seg){ptr_to_hpa(piece_of(t)), bytes};
    t->req = (struct volume_req){
        .op = op,
        .lba = at / t->volume->block_bytes,
        .blocks = bytes / t->volume->block_bytes,
        .segs = &t->seg,
        .seg_count = 1,
        .done = on_done,
        .arg = t,
    };
    if (volume_submit(t->volume, &t->req))
        __atomic_store_n(&t->is_answered, true, __ATOMIC_RELEASE);
}

static void answer(struct nbd_transfer *t)
{
    bool is_chunk = t->command.type == NBD_CMD_READ && t->is_structured && t->error != NBD_OK;

    t->work = NBD_WORK_NONE;
    t->left = 0;
    send(t, t->buffer,
         is_chunk ? nbd_error_chunk(t->buffer, &t->command, t->error)
                  : nbd_simple_reply(t->buffer, &t->command, t->error));
}

/* The next piece of a command that goes well, or of a write whose data come in anyway. */
static void ask_next(struct nbd_transfer *t)
{
    static const enum blk_op ops[] = {
        [NBD_CMD_READ] = BLK_READ,
        [NBD_CMD_TRIM] = BLK_DISCARD,
        [NBD_CMD_WRITE_ZEROES] = BLK_WRITE_ZEROES,
    };
    u16 type = t->command.type;
    bool has_data = type == NBD_CMD_READ || type == NBD_CMD_WRITE;

    t->piece = (u32)MIN(t->left, (u64)(has_data ? NBD_PIECE_BYTES : RANGE_BYTES));
    t->gathered = 0;
    if (type == NBD_CMD_WRITE)
        t->work = NBD_WORK_GATHER;
    else
        ask(t, NBD_WORK_ASK, ops[type], t->at, t->piece);
}

static bool wants_flush(const struct nbd_command *command)
{
    return command->type == NBD_CMD_FLUSH ||
           (command->type != NBD_CMD_READ && (command->flags & NBD_CMD_FLAG_FUA));
}

/* What is left to do is to make it durable, if wanted, and to answer. */
static void finish(struct nbd_transfer *t)
{
    if (t->error == NBD_OK && wants_flush(&t->command))
        ask(t, NBD_WORK_FLUSH, BLK_FLUSH, 0, 0);
    else
        answer(t);
}

static void ask_next_or_finish(struct nbd_transfer *t)
{
    if (t->left > 0)
        ask_next(t);
    else
        finish(t);
}

void nbd_transfer_begin(struct nbd_transfer *t, const struct nbd *nbd)
{
    bool is_write = nbd->command.type == NBD_CMD_WRITE;

    t->command = nbd->command;
    t->is_structured = nbd->is_structured;
    if (is_write && t->command.length > NBD_PAYLOAD_MAX) {
        t->is_broken = true; /* its data would come in for nothing */
        return;
    }
    t->error = nbd_check(&t->command, &nbd->disk);
    t->at = t->command.offset;
    t->left = is_write || t->error == NBD_OK ? t->command.length : 0;
    ask_next_or_finish(t);
}

/* Sends a piece that was read, behind its head. */
static void send_piece(struct nbd_transfer *t)
{
    u8 *data = piece_of(t), *head = data;

    if (t->is_structured) {
        head -= NBD_DATA_HEAD;
        (void)nbd_data_chunk(head, &t->command, t->at, t->piece, t->piece == t->left);
    } else if (t->at == t->command.offset) {
        head -= NBD_SIMPLE_HEAD;
        (void)nbd_simple_reply(head, &t->command, NBD_OK);
    }
    send(t, head, (u32)(data + t->piece - head));
}

static void on_read(struct nbd_transfer *t)
{
    if (t->error == NBD_OK) {
        send_piece(t);
        t->at += t->piece;
        t->left -= t->piece;
    } else if (!t->is_structured && t->at != t->command.offset) {
        t->is_broken = true; /* a simple reply cannot take its word back */
    } else {
        answer(t);
    }
}

static enum nbd_error error_of(int status)
{
    switch (status) {
    case 0:
        return NBD_OK;
    case -EPERM:
        return NBD_EPERM;
    case -ENOSPC:
        return NBD_ENOSPC;
    case -ENOMEM:
        return NBD_ENOMEM;
    case -EINVAL:
        return NBD_EINVAL;
    case -EOPNOTSUPP:
        return NBD_ENOTSUP;
    default:
        return NBD_EIO;
    }
}

/* The volume has answered. */
static void on_answer(struct nbd_transfer *t)
{
    bool is_flush = t->work == NBD_WORK_FLUSH, is_write = t->command.type == NBD_CMD_WRITE;

    t->work = NBD_WORK_NONE;
    t->error = error_of(t->req.status);
    if (is_flush) {
        answer(t);
        return;
    }
    if (t->command.type == NBD_CMD_READ) {
        on_read(t);
        return;
    }
    t->at += t->piece;
    t->left = t->error == NBD_OK || is_write ? t->left - t->piece : 0;
    ask_next_or_finish(t);
}

size_t nbd_transfer_take(struct nbd_transfer *t, const u8 *data, size_t len)
{
    size_t bytes = MIN(len, (size_t)(t->piece - t->gathered));

    memcpy(piece_of(t) + t->gathered, data, bytes);
    t->gathered += (u32)bytes;
    if (t->gathered < t->piece)
        return bytes;
    if (t->error == NBD_OK) {
        ask(t, NBD_WORK_ASK, BLK_WRITE, t->at, t->piece);
    } else { /* thrown away */
        t->left -= t->piece;
        ask_next_or_finish(t);
    }
    return bytes;
}

enum nbd_wants nbd_transfer_run(struct nbd_transfer *t)
{
    if (t->is_broken)
        return NBD_WANTS_END;
    if (t->out_len > 0)
        return NBD_WANTS_ROOM;
    if (nbd_transfer_is_asking(t))
        return NBD_WANTS_ANSWER;
    if (t->work == NBD_WORK_GATHER)
        return NBD_WANTS_DATA;
    if (t->work == NBD_WORK_NONE && t->left == 0)
        return NBD_WANTS_COMMAND;
    if (t->work == NBD_WORK_NONE)
        ask_next(t); /* a read: there is room for its next piece */
    else
        on_answer(t);
    return NBD_WANTS_TURN;
}
