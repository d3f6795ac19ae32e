/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to volumes are checked here, once, for all backends; so is who uses them. */
#include "drivers/block/volume.h"

#include "core/kern/task.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"

static int check(const struct volume *volume, const struct volume_req *req)
{
    u64 count = volume_blocks(volume);

    if ((unsigned)req->op >= BLK_OP_COUNT)
        return -EINVAL;
    if (req->op == BLK_FLUSH)
        return req->blocks == 0 ? 0 : -EINVAL;
    if (req->blocks == 0 || req->lba >= count || req->blocks > count - req->lba)
        return -EINVAL;
    if (blk_moves_data(req->op) && !blk_segs_fit(req->segs, req->seg_count, volume->block_bytes,
                                                 (u64)req->blocks * volume->block_bytes))
        return -EINVAL;
    if (req->op != BLK_READ && volume->is_read_only)
        return -EPERM;
    if ((req->op == BLK_DISCARD && !volume->can_discard) ||
        (req->op == BLK_WRITE_ZEROES && !volume->can_write_zeroes))
        return -EOPNOTSUPP;
    return 0;
}

bool volume_submit(struct volume *volume, struct volume_req *req)
{
    req->status = check(volume, req);
    if (req->status != 0)
        return true;
    req->volume = volume;
    list_init(&req->link);
    return volume->ops->submit(volume, req);
}

struct waiter {
    struct task *task;
    bool is_done; /* (a) */
};

static void wake_waiter(struct volume_req *req)
{
    struct waiter *waiter = req->arg;
    struct task *task = waiter->task; /* the waiter's stack ends with the next store */

    __atomic_store_n(&waiter->is_done, true, __ATOMIC_RELEASE);
    task_wake(task);
}

int volume_wait(struct volume *volume, struct volume_req *req)
{
    struct waiter waiter = {task_current(), false};

    req->done = wake_waiter;
    req->arg = &waiter;
    if (volume_submit(volume, req))
        return req->status;
    while (!__atomic_load_n(&waiter.is_done, __ATOMIC_ACQUIRE))
        task_wait();
    task_wake(waiter.task); /* a wake-up for something else may have been taken with it */
    return req->status;
}

int volume_open(struct volume *volume, bool for_writing)
{
    if (volume_blocks(volume) == 0)
        return -ENODEV;
    if (for_writing && volume->is_read_only)
        return -EPERM;
    if (volume->has_writer || (for_writing && volume->readers > 0))
        return -EBUSY;
    if (for_writing)
        volume->has_writer = true;
    else
        volume->readers++;
    return 0;
}

void volume_close(struct volume *volume, bool for_writing)
{
    assert(for_writing ? volume->has_writer : volume->readers > 0);
    if (for_writing)
        volume->has_writer = false;
    else
        volume->readers--;
}

void volume_cancel(struct volume *volume, bool (*is_meant)(const struct volume_req *req, void *arg),
                   void *arg)
{
    if (volume->ops->cancel)
        volume->ops->cancel(volume, is_meant, arg);
}

bool volume_is_used(const struct volume *volume)
{
    return volume->has_writer || volume->readers > 0;
}
