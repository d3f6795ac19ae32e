/* SPDX-License-Identifier: BSD-2-Clause */
/* Tags, the waiting line, late answers: what the queues of all disk controllers share. */
#include "drivers/block/blkq.h"

#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/x86/log.h"

#define POLL_NS  (1 * NS_PER_MS)
#define WATCH_NS NS_PER_S

#define ERRORS_LOGGED 10u

void blkq_init(struct blkq *q, const struct blkq_ops *ops, void *driver_data, u32 depth)
{
    assert(depth > 0 && depth <= BLKQ_DEPTH_MAX);
    *q = (struct blkq){.ops = ops, .driver_data = driver_data, .depth = depth};
    spin_init(&q->lock, "block queue", LOCK_POOL);
    list_init(&q->waiting);
    list_init(&q->done);
    q->free_count = depth;
    for (u32 i = 0; i < depth; i++)
        q->free_tags[i] = (u16)(depth - 1 - i);
}

void blkq_wake(struct blkq *q)
{
    task_wake(&q->task);
}

/* The request has nothing in the device any more: done() is the task's to call. Lock held. */
static void request_ends(struct blkq *q, struct blk_req *req)
{
    list_remove(&req->link);
    list_push_back(&q->done, &req->link);
}

/* Drops what has not been started, and ends it if nothing has. Lock held. */
static void request_fails(struct blkq *q, struct blk_req *req, int status)
{
    if (req->status == 0)
        req->status = status;
    req->rest.blocks = 0;
    list_remove(&req->link);
    if (req->parts == 0)
        request_ends(q, req);
}

/* Starts one command. Return: false if the request at the head must wait. */
static bool start_one(struct blkq *q, struct blk_req *req)
{
    u32 tag;
    int rc;

    if (q->free_count == 0)
        return false;
    tag = q->free_tags[q->free_count - 1];
    rc = q->ops->start(q, req, tag);
    if (rc == -EAGAIN)
        return false;
    if (rc != 0) {
        request_fails(q, req, rc);
        return true;
    }
    q->free_count--;
    q->in_flight++;
    q->owner[tag] = req;
    q->due_ns[tag] = time_ns() + BLK_TIMEOUT_NS;
    req->parts++;
    if (req->rest.blocks == 0)
        list_remove(&req->link);
    return true;
}

/* Gives the device what it can take. Lock held. */
static void dispatch(struct blkq *q)
{
    bool started = false;

    while (!q->is_stopped && !q->is_dead && !list_empty(&q->waiting) &&
           start_one(q, list_entry(q->waiting.next, struct blk_req, link)))
        started = true;
    if (started)
        q->ops->kick(q);
}

void blkq_submit(struct blkq *q, struct blk_req *req)
{
    u64 flags = spin_lock_irqsave(&q->lock);
    bool wake;

    list_push_back(&q->waiting, &req->link);
    if (q->is_dead)
        request_fails(q, req, -ENODEV);
    dispatch(q);
    wake = !list_empty(&q->done) || q->is_polled;
    spin_unlock_irqrestore(&q->lock, flags);
    if (wake)
        blkq_wake(q);
}

bool blkq_end(struct blkq *q, u32 tag, int status)
{
    struct blk_req *req = tag < q->depth ? q->owner[tag] : NULL;

    if (req == NULL) {
        q->bogus_count++;
        return false;
    }
    q->owner[tag] = NULL;
    q->free_tags[q->free_count++] = (u16)tag;
    q->in_flight--;
    req->parts--;
    if (status != 0)
        request_fails(q, req, status);
    else if (req->parts == 0 && req->rest.blocks == 0)
        request_ends(q, req);
    return true;
}

void blkq_request_recovery(struct blkq *q)
{
    __atomic_store_n(&q->recovery_wanted, true, __ATOMIC_RELEASE);
    blkq_wake(q);
}

void blkq_stop(struct blkq *q)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    q->is_stopped = true;
    spin_unlock_irqrestore(&q->lock, flags);
}

void blkq_resume(struct blkq *q)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    q->is_stopped = false;
    q->ops->kick(q);
    dispatch(q);
    spin_unlock_irqrestore(&q->lock, flags);
    blkq_wake(q);
}

static void fail_started(struct blkq *q, int status)
{
    for (u32 tag = 0; tag < q->depth; tag++) {
        if (q->owner[tag] != NULL)
            (void)blkq_end(q, tag, status);
    }
}

void blkq_fail_all(struct blkq *q, int status)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    fail_started(q, status);
    spin_unlock_irqrestore(&q->lock, flags);
    blkq_wake(q);
}

void blkq_fail(struct blkq *q, u32 tag, int status)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    (void)blkq_end(q, tag, status);
    spin_unlock_irqrestore(&q->lock, flags);
    blkq_wake(q);
}

void blkq_kill(struct blkq *q)
{
    u64 flags = spin_lock_irqsave(&q->lock);

    q->is_dead = true;
    fail_started(q, -ENODEV);
    while (!list_empty(&q->waiting))
        request_fails(q, list_entry(q->waiting.next, struct blk_req, link), -ENODEV);
    spin_unlock_irqrestore(&q->lock, flags);
    blkq_wake(q);
}

bool blkq_has(struct blkq *q, u32 tag)
{
    u64 flags = spin_lock_irqsave(&q->lock);
    bool has = tag < q->depth && q->owner[tag] != NULL;

    spin_unlock_irqrestore(&q->lock, flags);
    return has;
}

/* A disk that fails must not fill the log: the first ten, then ever fewer. */
static void report(const struct blk_req *req, u64 errors)
{
    if (errors <= ERRORS_LOGGED || (errors & (errors - 1)) == 0)
        log_warn("block", "%s: %s of %u blocks at %lu failed: %s (%lu errors so far)",
                 req->dev->name, blk_op_name(req->op), req->blocks, req->lba,
                 req->status == -ETIMEDOUT ? "no answer in time"
                 : req->status == -ENODEV  ? "the disk is gone"
                                           : "the disk reports an error",
                 errors);
}

static void count(const struct blk_req *req)
{
    struct blk_stats *stats = &req->dev->stats;

    __atomic_fetch_add(&stats->requests[req->op], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stats->ns[req->op], time_ns() - req->begin_ns, __ATOMIC_RELAXED);
    if (req->status == 0)
        __atomic_fetch_add(&stats->bytes[req->op], (u64)req->blocks * req->dev->block_bytes,
                           __ATOMIC_RELAXED);
    else
        report(req, __atomic_add_fetch(&stats->errors, 1, __ATOMIC_RELAXED));
    if (req->status == -ETIMEDOUT)
        __atomic_fetch_add(&stats->timeouts, 1, __ATOMIC_RELAXED);
}

/* Moves the list to a head of the caller's. Lock held. */
static void list_take_all(struct list *from, struct list *to)
{
    list_init(to);
    while (!list_empty(from)) {
        struct list *node = from->next;

        list_remove(node);
        list_push_back(to, node);
    }
}

static void collect(struct blkq *q)
{
    struct list done;
    u64 flags = spin_lock_irqsave(&q->lock);

    if (!q->is_stopped && !q->is_dead)
        q->ops->poll(q);
    dispatch(q);
    list_take_all(&q->done, &done);
    spin_unlock_irqrestore(&q->lock, flags);
    while (!list_empty(&done)) {
        struct blk_req *req = list_entry(done.next, struct blk_req, link);

        list_remove(&req->link);
        count(req);
        req->done(req); /* the request is no longer ours */
    }
}

u32 blkq_late(struct blkq *q)
{
    u64 flags = spin_lock_irqsave(&q->lock), now = time_ns();
    u32 late = BLKQ_NO_TAG;

    for (u32 tag = 0; tag < q->depth && !q->is_stopped && late == BLKQ_NO_TAG; tag++) {
        if (q->owner[tag] != NULL && now >= q->due_ns[tag])
            late = tag;
    }
    spin_unlock_irqrestore(&q->lock, flags);
    return late;
}

/* Looks for the device itself now and then: one that is gone raises no interrupt. */
static void watch(struct blkq *q)
{
    if (time_ns() < q->watch_ns)
        return;
    q->watch_ns = time_ns() + WATCH_NS;
    if (!q->is_dead && !q->ops->is_present(q))
        __atomic_store_n(&q->recovery_wanted, true, __ATOMIC_RELEASE);
}

u64 blkq_turn(struct blkq *q)
{
    u32 late;
    u64 flags, sleep_ns;

    collect(q);
    watch(q);
    late = blkq_late(q);
    if (late != BLKQ_NO_TAG || __atomic_exchange_n(&q->recovery_wanted, false, __ATOMIC_ACQ_REL)) {
        q->ops->recover(q, late);
        collect(q);
    }
    flags = spin_lock_irqsave(&q->lock);
    sleep_ns = q->is_polled && q->in_flight > 0 ? POLL_NS : WATCH_NS;
    spin_unlock_irqrestore(&q->lock, flags);
    return time_ns() + sleep_ns;
}

static void queue_main(void *arg)
{
    struct blkq *q = arg;

    for (;;)
        (void)task_wait_until(blkq_turn(q));
}

int blkq_start_task(struct blkq *q, const char *name, u32 pcpu)
{
    return task_start(&q->task, name, TASK_DRIVER, pcpu, queue_main, q);
}
