/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One NBD command at a time, carried out on a volume in pieces of NBD_PIECE_BYTES: a client's
 * buffer has a fixed size whatever it asks for. The volume is asked without waiting; what it is
 * asked for ends in another task, which calls wake().
 *
 * Context of all: management task, but for wake().
 */
#ifndef SOCLE_MGMT_NBD_TRANSFER_H
#define SOCLE_MGMT_NBD_TRANSFER_H

#include "core/lib/compiler.h"
#include "drivers/block/volume.h"
#include "mgmt/nbd/nbd.h"

#define NBD_PIECE_BYTES  (128u * 1024u)
#define NBD_FRONT_BYTES  4096u /* before the data: heads of answers end here */
#define NBD_BUFFER_BYTES (NBD_FRONT_BYTES + NBD_PIECE_BYTES)

/* What it needs to go on. */
enum nbd_wants {
    NBD_WANTS_COMMAND,
    NBD_WANTS_DATA,   /* of a write: nbd_transfer_take() */
    NBD_WANTS_ROOM,   /* `out` has to be sent */
    NBD_WANTS_ANSWER, /* the volume's: wake() will tell */
    NBD_WANTS_TURN,   /* nothing: to be called again */
    NBD_WANTS_END,    /* it cannot go on: the client was promised what the volume does not give */
};

enum nbd_work {
    NBD_WORK_NONE,
    NBD_WORK_GATHER, /* a write's data come in */
    NBD_WORK_ASK,    /* the volume has been asked */
    NBD_WORK_FLUSH,  /* the same, for the flush behind a command with FUA */
};

struct nbd_transfer {
    u8 *buffer;         /* (c) the owner's, NBD_BUFFER_BYTES in one piece of memory */
    void (*wake)(void); /* (c) */
    struct volume *volume;
    const u8 *out; /* to be sent before it goes on: the owner moves this */
    u32 out_len;

    /* Private. */
    struct nbd_command command;
    bool is_structured;
    bool is_broken;
    enum nbd_work work;
    u64 at;   /* the next byte of the volume */
    u64 left; /* bytes not done yet */
    u32 piece;
    u32 gathered; /* bytes of the piece */
    enum nbd_error error;
    struct volume_req req;
    struct blk_seg seg;
    bool is_answered; /* (a) by the volume */
};

/* Begins what the client has asked for. NBD_WANTS_COMMAND is what it said last. */
void nbd_transfer_begin(struct nbd_transfer *t, const struct nbd *nbd);

/* Goes on by one step. */
enum nbd_wants nbd_transfer_run(struct nbd_transfer *t);

/* Takes data of a write. Return: bytes taken. */
size_t nbd_transfer_take(struct nbd_transfer *t, const u8 *data, size_t len);

/* True while the volume uses the buffer. */
bool nbd_transfer_is_asking(const struct nbd_transfer *t);

#endif
