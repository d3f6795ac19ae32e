/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two parts of a pool share: the task with its operations (pool.c) and the store's way to
 * the disk (pool_io.c). */
#ifndef SOCLE_BLOCK_POOL_IMPL_H
#define SOCLE_BLOCK_POOL_IMPL_H

#include "core/kern/task.h"
#include "core/lib/list.h"
#include "core/x86/spinlock.h"
#include "drivers/block/pool.h"

#define POOL_OPS   64u /* requests to volumes that the store works on; the others stand in line */
#define POOL_CALLS 8u  /* operations of pool_run that it does */
#define POOL_IOS   (STORE_IOS_MAX + POOL_OPS + POOL_CALLS)
#define POOL_SEGS  32u /* pieces of memory in one request to the disk; more take several */

/* The memory of an operation: what store_op.mem points to. */
struct pool_mem {
    const struct blk_seg *segs;
    u32 count;
};

/* A request to a volume, being done. */
struct pool_op {
    struct list link; /* free */
    struct pool *pool;
    struct store_op op;
    struct pool_mem mem;
    struct volume_req *req;
};

/* A request of the store to the disk, done in rounds. */
struct pool_io {
    struct list link; /* free; or ended (lock) */
    struct pool *pool;
    struct store_io *io;
    u32 moved; /* bytes */
    u32 round; /* bytes that the disk moves now */
    struct volume_req req;
    struct blk_seg segs[POOL_SEGS];
};

struct pool {
    struct store_disk disk; /* what the store sees */
    struct volume *on;      /* (c) */
    void (*news)(void);     /* (c) */
    struct store *store;    /* the task's, as all below without a mark */
    void *memory;           /* (c) of the store */
    struct task task;
    u8 uuid[16];
    struct store_op start;  /* format, then mount */
    struct store_op settle; /* a flush that nobody asked for */
    bool is_settling;
    u64 settle_ns; /* when it begins; 0: there was nothing to flush */
    u32 calls_active;
    struct list free_ios;
    struct list free_ops;
    enum pool_state state; /* (a) */
    int error;             /* (a) */
    bool is_stopping;      /* (a) */

    struct spinlock lock;
    struct list calls;        /* lock: operations handed in by pool_run */
    struct list waiting;      /* lock: requests to volumes, in line */
    struct list ended;        /* lock: requests to the disk */
    struct store_usage usage; /* lock */

    struct pool_io ios[POOL_IOS];
    struct pool_op ops[POOL_OPS];
};

/* Fills in pool->disk, and the free requests. */
void pool_io_init(struct pool *pool);

/* The disk has ended a round of it. Context: the pool's task. */
void pool_io_ended(struct pool_io *pio);

#endif
