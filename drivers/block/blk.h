/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks of the host, all of one shape: what they are, and requests to them.
 *
 * A request belongs to its submitter, who keeps it and its memory untouched from blk_submit() until
 * done() is called: exactly once, by the task of the queue that carried it, on that queue's pCPU,
 * without any lock. Requests may finish in any order; a flush covers the writes that were done when
 * it was submitted. Nothing is ever written to a disk but what a request asks for.
 */
#ifndef SOCLE_BLOCK_BLK_H
#define SOCLE_BLOCK_BLK_H

#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/types.h"

struct blkdev;
struct blkq;

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES, BLK_OP_COUNT };

/* A piece of memory: the address is a multiple of 4, the length one of the disk's block size. */
struct blk_seg {
    hpa_t address;
    u32 bytes;
};

/* How far a request has been given to the device. */
struct blk_cursor {
    u64 lba;
    u32 blocks; /* left */
    u32 seg;
    u32 offset; /* in that segment */
};

struct blk_req {
    /* The submitter's. */
    enum blk_op op;
    u64 lba;                    /* in blocks of the disk */
    u32 blocks;                 /* 0 for a flush */
    const struct blk_seg *segs; /* reads and writes: as many bytes as the blocks have */
    u32 seg_count;
    void (*done)(struct blk_req *req);
    void *arg; /* for done() */
    /*
     * Out, when done: 0; -EIO (media error, or the device refused), -ETIMEDOUT (no answer; the
     * device was reset and no longer uses the memory), -ENODEV (the disk is gone). After an error
     * the blocks, or the memory, hold old or new data or a mixture.
     */
    int status;

    /* The queue's; its lock. */
    struct blkdev *dev;
    struct list link; /* waiting, or done */
    struct blk_cursor rest;
    u32 parts; /* commands the device has */
    u64 begin_ns;
};

enum blk_state { BLK_ONLINE, BLK_FAILED, BLK_REMOVED };

/* No disk is larger: sums of sizes and offsets in bytes stay far from overflow. */
#define BLK_BYTES_MAX (1ull << 60)

/* Those after them are left out. */
#define BLK_DISKS_MAX 60u

#define BLK_NAME_MAX   16u
#define BLK_MODEL_MAX  41u
#define BLK_SERIAL_MAX 21u

/* What a disk has done, since boot. */
struct blk_stats {
    u64 requests[BLK_OP_COUNT];
    u64 bytes[BLK_OP_COUNT]; /* of successful reads and writes */
    u64 ns[BLK_OP_COUNT];    /* from submission to done() */
    u64 errors;              /* requests that failed, whatever the reason */
    u64 timeouts;            /* those of them that got no answer */
};

struct gpt;

struct blkdev {
    char name[BLK_NAME_MAX]; /* (c) "nvme0n1" */
    const char *driver;      /* (c) */
    char bdf[16];            /* (c) */
    char model[BLK_MODEL_MAX];
    char serial[BLK_SERIAL_MAX];
    u32 block_bytes;        /* (c) 512 or 4096 */
    u64 block_count;        /* (c) */
    bool is_read_only;      /* (c) */
    bool has_write_cache;   /* (c) volatile: flush is needed */
    bool can_discard;       /* (c) */
    bool can_write_zeroes;  /* (c) */
    struct blkq *const *qs; /* (c) one per pCPU, or fewer */
    u32 q_count;            /* (c) */
    enum blk_state state;   /* (a) */
    struct blk_stats stats; /* (a) */
    u16 temp_k;             /* (a) temperature in kelvin; 0: it does not tell */
    u8 wear_percent; /* (a) of its life, as its maker estimates; means nothing without temp_k */
    const struct gpt *gpt; /* (a) what its first blocks said, or NULL: not read yet */
    void (*shutdown)(struct blkdev *dev); /* (c) may be NULL: tells it that power goes */
    struct blkdev *next;                  /* (c) */
};

/*
 * Takes a request. Context: task, no lock held of rank LOCK_POOL or above. Return: 0; done() will
 * be called, at once if need be. -EINVAL (outside of the disk, or memory that does not fit),
 * -EPERM (the disk is read-only), -EOPNOTSUPP (it cannot discard or write zeroes): it was not
 * taken, done() is not called.
 */
int blk_submit(struct blkdev *dev, struct blk_req *req) must_check;

/* Submits and waits. Context: task, no lock held. Return: as blk_submit, or the request's status.
 */
int blk_wait(struct blkdev *dev, struct blk_req *req) must_check;

/*
 * Adds a disk to the list, for ever: one that is gone stays there and fails all requests. Context:
 * boot (a driver's probe).
 */
void blk_register(struct blkdev *dev);

/* Walks the disks: NULL for the first, NULL at the end. Context: after boot, any. */
struct blkdev *blk_next(const struct blkdev *dev);

/* Tells all disks that power goes. Requests are no longer taken. Context: task. */
void blk_shutdown(void);

/* Notes that a disk can no longer be used; says so in the log, once. Context: any. */
void blk_set_state(struct blkdev *dev, enum blk_state state, const char *why);

/* Whether requests of this kind have memory. */
static inline bool blk_moves_data(enum blk_op op)
{
    return op == BLK_READ || op == BLK_WRITE;
}

/* Whether memory is of the right form for a disk of such blocks, and that many bytes in all. */
bool blk_segs_fit(const struct blk_seg *segs, u32 count, u32 block_bytes, u64 bytes);

const char *blk_state_name(enum blk_state state);
const char *blk_op_name(enum blk_op op);

/*
 * The next piece of memory of a read or write, at most max_bytes long, and moves the cursor over
 * it. Return: its length; 0 at the end.
 */
u32 blk_cursor_take(const struct blk_req *req, struct blk_cursor *at, u32 max_bytes, hpa_t *out);

/* Moves the request's cursor over that many bytes of memory (a multiple of the block size). */
void blk_advance(struct blk_req *req, u32 bytes);

/* The same for requests without memory. */
void blk_advance_blocks(struct blk_req *req, u32 blocks);

#endif
