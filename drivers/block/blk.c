/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of disks; requests are checked here, once, for all drivers. */
#include "drivers/block/blk.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/x86/log.h"
#include "drivers/block/blkq.h"

static struct blkdev *disks; /* (c) after boot */
static u32 disk_count;       /* (c) after boot */

void blk_register(struct blkdev *dev)
{
    struct blkdev **link = &disks;

    if (disk_count == BLK_DISKS_MAX) {
        log_warn("block", "%s is left out: there are too many disks", dev->name);
        return;
    }
    disk_count++;
    while (*link != NULL)
        link = &(*link)->next;
    dev->next = NULL;
    *link = dev;
    log_info("block", "%s: %s, %lu MiB in blocks of %u bytes%s%s", dev->name, dev->model,
             dev->block_count * dev->block_bytes >> 20, dev->block_bytes,
             dev->is_read_only ? ", read-only" : "",
             dev->has_write_cache ? ", volatile write cache" : "");
}

struct blkdev *blk_next(const struct blkdev *dev)
{
    return dev != NULL ? dev->next : disks;
}

static int check(const struct blkdev *dev, const struct blk_req *req)
{
    if ((unsigned)req->op >= BLK_OP_COUNT)
        return -EINVAL;
    if (req->op == BLK_FLUSH)
        return req->blocks == 0 ? 0 : -EINVAL;
    if (req->blocks == 0 || req->lba >= dev->block_count ||
        req->blocks > dev->block_count - req->lba)
        return -EINVAL;
    if (blk_moves_data(req->op) && !blk_segs_fit(req->segs, req->seg_count, dev->block_bytes,
                                                 (u64)req->blocks * dev->block_bytes))
        return -EINVAL;
    if (req->op != BLK_READ && dev->is_read_only)
        return -EPERM;
    if ((req->op == BLK_DISCARD && !dev->can_discard) ||
        (req->op == BLK_WRITE_ZEROES && !dev->can_write_zeroes))
        return -EOPNOTSUPP;
    return 0;
}

int blk_submit(struct blkdev *dev, struct blk_req *req)
{
    int rc = check(dev, req);

    if (rc != 0)
        return rc;
    req->status = 0;
    req->dev = dev;
    req->parts = 0;
    req->rest = (struct blk_cursor){.lba = req->lba, .blocks = req->blocks};
    req->begin_ns = time_ns();
    list_init(&req->link);
    blkq_submit(dev->qs[task_current()->pcpu % dev->q_count], req);
    return 0;
}

struct waiter {
    struct task *task;
    bool is_done; /* (a) */
};

static void wake_waiter(struct blk_req *req)
{
    struct waiter *waiter = req->arg;
    struct task *task = waiter->task; /* the waiter's stack ends with the next store */

    __atomic_store_n(&waiter->is_done, true, __ATOMIC_RELEASE);
    task_wake(task);
}

int blk_wait(struct blkdev *dev, struct blk_req *req)
{
    struct waiter waiter = {task_current(), false};
    int rc;

    req->done = wake_waiter;
    req->arg = &waiter;
    rc = blk_submit(dev, req);
    if (rc != 0)
        return rc;
    while (!__atomic_load_n(&waiter.is_done, __ATOMIC_ACQUIRE))
        task_wait();
    return req->status;
}

void blk_shutdown(void)
{
    for (struct blkdev *dev = disks; dev != NULL; dev = dev->next) {
        if (dev->shutdown != NULL)
            dev->shutdown(dev);
    }
}

void blk_set_state(struct blkdev *dev, enum blk_state state, const char *why)
{
    enum blk_state online = BLK_ONLINE;

    if (__atomic_compare_exchange_n(&dev->state, &online, state, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED))
        log_error("block", "%s: %s: %s", dev->name, blk_state_name(state), why);
}

const char *blk_state_name(enum blk_state state)
{
    static const char *const names[] = {"online", "failed", "removed"};

    return names[state];
}

const char *blk_op_name(enum blk_op op)
{
    static const char *const names[BLK_OP_COUNT] = {
        [BLK_READ] = "read",
        [BLK_WRITE] = "write",
        [BLK_FLUSH] = "flush",
        [BLK_DISCARD] = "discard",
        [BLK_WRITE_ZEROES] = "write_zeroes",
    };

    return names[op];
}

u32 blk_cursor_take(const struct blk_req *req, struct blk_cursor *at, u32 max_bytes, hpa_t *out)
{
    const struct blk_seg *seg;
    u32 bytes;

    if (at->seg == req->seg_count || max_bytes == 0)
        return 0;
    seg = &req->segs[at->seg];
    bytes = MIN(seg->bytes - at->offset, max_bytes);
    *out = hpa(seg->address.v + at->offset);
    at->offset += bytes;
    if (at->offset == seg->bytes) {
        at->seg++;
        at->offset = 0;
    }
    return bytes;
}

void blk_advance_blocks(struct blk_req *req, u32 blocks)
{
    req->rest.lba += blocks;
    req->rest.blocks -= blocks;
}

void blk_advance(struct blk_req *req, u32 bytes)
{
    hpa_t at;

    blk_advance_blocks(req, bytes / req->dev->block_bytes);
    while (bytes > 0)
        bytes -= blk_cursor_take(req, &req->rest, bytes, &at);
}
