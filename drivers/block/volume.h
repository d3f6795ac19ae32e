/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A volume: blocks that a guest's disk, or whoever else asks, reads and writes, wherever they are
 * kept. A backend (RAM, a partition of a disk, a datastore) embeds struct volume, fills in the
 * facts and three functions.
 *
 * Requests are those of disks (blk.h), counted from the volume's first block. One that can be
 * carried out at once is done when volume_submit() returns; else done() is called later. The memory
 * is the submitter's and stays until then; the device moves data to and from it by itself.
 */
#ifndef SOCLE_BLOCK_VOLUME_H
#define SOCLE_BLOCK_VOLUME_H

#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/types.h"
#include "drivers/block/blk.h"

#define VOLUME_NAME_MAX 63

struct volume;

struct volume_req {
    /* The submitter's. */
    enum blk_op op;
    u64 lba;                    /* in blocks of the volume */
    u32 blocks;                 /* 0 for a flush */
    const struct blk_seg *segs; /* reads and writes: as many bytes as the blocks have; each piece
                                   whole blocks, at a multiple of 4 */
    u32 seg_count;
    void (*done)(struct volume_req *req);
    void *arg; /* for done() */
    /*
     * Out, when done: 0; -EINVAL (outside of the volume, or memory that does not fit), -EPERM (it
     * is read-only), -EOPNOTSUPP, -ENOSPC (a thin volume found no room), and those of blk.h: -EIO,
     * -ETIMEDOUT, -ENODEV. After an error the blocks, or the memory, hold old or new data or a
     * mixture.
     */
    int status;

    /* The backend's, from submission to done(): so that one part of a request needs no memory. */
    struct volume *volume;
    struct list link;
    struct blk_req blk;
};

struct volume_ops {
    /*
     * Carries out a request that volume_submit() has found good: whole in the volume, no write to a
     * read-only one, memory that fits. Any number at once, from any CPU; a flush covers the writes
     * that were done before it was submitted. Return: true: it is done, with req->status;
     * false: req->done() will be called, once, by another task and with no lock held, or already
     * has been. Nothing may be left waiting for ever. Context: task, no lock held.
     */
    bool (*submit)(struct volume *volume, struct volume_req *req);
    /* Bytes of RAM or of the pool it takes by now. Context: management task. */
    u64 (*used_bytes)(struct volume *volume);
    /* Makes it larger, also while it is used: the new blocks read as zeroes. Return: 0, -ENOMEM,
     * -ENOSPC, -EOPNOTSUPP, or the pool's error. Context: management task. */
    int (*grow)(struct volume *volume, u64 block_count);
    /* Frees it. Nobody uses it, nothing is in flight. Context: management task. */
    void (*destroy)(struct volume *volume);
    /* NULL: another task carries its requests out. Else: volume_cancel(). */
    void (*cancel)(struct volume *volume, bool (*is_meant)(const struct volume_req *req, void *arg),
                   void *arg);
};

struct volume {
    const struct volume_ops *ops;   /* (c) */
    char name[VOLUME_NAME_MAX + 1]; /* (c) */
    u32 block_bytes;                /* (c) 512 or 4096 */
    u64 block_count;       /* (a) never shrinks; at most BLK_BYTES_MAX of bytes. 0: not known
                              yet, it cannot be opened; nor are the facts below */
    bool is_read_only;     /* (c) */
    bool has_write_cache;  /* (c) done writes are safe only after a flush */
    bool can_discard;      /* (c) */
    u32 discard_bytes;     /* (c) what it gives back at least, block_bytes or more of them */
    bool can_write_zeroes; /* (c) */
    u32 readers;           /* management task: who uses it, read-only */
    bool has_writer;       /* management task: one uses it for writing, alone */
};

/*
 * Submits a request. Every error is in req->status. Context: task, no lock held. Return: true: it
 * is done, and done() is not called; false: done() will be called, or has been by now.
 */
bool volume_submit(struct volume *volume, struct volume_req *req) must_check;

/* Submits and waits. Context: task, no lock held. Return: the request's status. */
int volume_wait(struct volume *volume, struct volume_req *req) must_check;

/*
 * Begins to use a volume: for writing alone, for reading together with others. Context: management
 * task. Return: 0; -EBUSY (somebody writes it, or a writer finds anybody), -EPERM (to be written,
 * but read-only), -ENODEV (nothing is known of it yet: its server has not answered).
 */
int volume_open(struct volume *volume, bool for_writing) must_check;
void volume_close(struct volume *volume, bool for_writing);

/*
 * The management task is about to wait for requests of its own choice. Where it is that task that
 * carries a volume's requests out they would never end: those that are meant end now, with -EIO,
 * and the device no longer uses their memory. Context: management task.
 */
void volume_cancel(struct volume *volume, bool (*is_meant)(const struct volume_req *req, void *arg),
                   void *arg);

/* True while anybody uses it. Context: management task. */
bool volume_is_used(const struct volume *volume);

static inline u64 volume_blocks(const struct volume *volume)
{
    return __atomic_load_n(&volume->block_count, __ATOMIC_ACQUIRE);
}

static inline u64 volume_bytes(const struct volume *volume)
{
    return volume_blocks(volume) * volume->block_bytes;
}

#endif
