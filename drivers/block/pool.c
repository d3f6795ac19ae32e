/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The task of a pool. What others want lies in lists under a lock; the task takes it from there and
 * calls the store without the lock, so the store has one context and never runs twice at a time.
 */
#include "drivers/block/pool.h"

#include "core/kern/timer.h"
#include "core/kern/timerq.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "core/x86/percpu.h"
#include "drivers/block/pool_impl.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define SETTLE_NS NS_PER_S

/* What pool_run and its like wait for; on the waiter's stack. */
struct pool_call {
    struct list link;
    struct pool *pool;
    struct store_op *op;          /* or NULL: */
    struct store_volume *closing; /* a volume that is to be closed, or NULL: */
    u32 number;                   /* look for the next object from here on */
    enum store_object_kind kind;
    struct pool_mem mem;
    struct blk_seg seg;
    int status;
    struct task *task;
    bool is_done; /* (a) */
};

const char *pool_state_name(enum pool_state state)
{
    static const char *const names[] = {
        [POOL_FORMATTING] = "formatting", [POOL_MOUNTING] = "mounting",
        [POOL_ONLINE] = "online",         [POOL_FAILED] = "failed",
        [POOL_UNMOUNTING] = "unmounting",
    };

    return names[state];
}

static void set_state(struct pool *pool, enum pool_state state, int error)
{
    __atomic_store_n(&pool->error, error, __ATOMIC_RELAXED);
    __atomic_store_n(&pool->state, state, __ATOMIC_RELEASE);
    pool->news();
}

enum pool_state pool_get_state(const struct pool *pool, int *error)
{
    enum pool_state state = __atomic_load_n(&pool->state, __ATOMIC_ACQUIRE);

    *error = __atomic_load_n(&pool->error, __ATOMIC_RELAXED);
    return state;
}

/* -- to mount it
 * ---------------------------------------------------------------------------------------------------
 */

static void on_mounted(struct store_op *op)
{
    struct pool *pool = op->arg;

    set_state(pool, op->status ? POOL_FAILED : POOL_ONLINE, op->status);
}

static void mount(struct pool *pool)
{
    pool->start = (struct store_op){.kind = STORE_MOUNT, .done = on_mounted, .arg = pool};
    store_submit(pool->store, &pool->start);
}

/* A fresh store: the one that formatted knows nothing of what it wrote. */
static void on_formatted(struct store_op *op)
{
    struct pool *pool = op->arg;

    if (op->status)
        set_state(pool, POOL_FAILED, op->status);
    else
        set_state(pool, POOL_MOUNTING, 0);
}

static void format(struct pool *pool)
{
    pool->start = (struct store_op){
        .kind = STORE_FORMAT, .uuid = pool->uuid, .done = on_formatted, .arg = pool};
    store_submit(pool->store, &pool->start);
}

/* -- what others want
 * ----------------------------------------------------------------------------------------------
 */

static void on_request_done(struct store_op *op)
{
    struct pool_op *pop = container_of(op, struct pool_op, op);
    struct volume_req *req = pop->req;

    req->status = op->status;
    list_push_front(&pop->pool->free_ops, &pop->link);
    req->done(req);
}

static void begin_request(struct pool *pool, struct volume_req *req)
{
    static const enum store_op_kind kinds[BLK_OP_COUNT] = {[BLK_READ] = STORE_READ,
                                                           [BLK_WRITE] = STORE_WRITE,
                                                           [BLK_FLUSH] = STORE_FLUSH,
                                                           [BLK_DISCARD] = STORE_DISCARD,
                                                           [BLK_WRITE_ZEROES] = STORE_ZERO};
    struct pool_op *pop = list_entry(pool->free_ops.next, struct pool_op, link);
    u64 block = req->volume->block_bytes;

    list_remove(&pop->link);
    pop->req = req;
    pop->mem = (struct pool_mem){req->segs, req->seg_count};
    pop->op = (struct store_op){
        .kind = kinds[req->op],
        .volume = req->blk.arg,
        .offset = req->lba * block,
        .bytes = req->blocks * block,
        .mem = &pop->mem,
        .done = on_request_done,
    };
    store_submit(pool->store, &pop->op);
}

void pool_submit(struct pool *pool, struct store_volume *volume, struct volume_req *req)
{
    u64 flags;

    req->blk.arg = volume;
    flags = spin_lock_irqsave(&pool->lock);
    list_push_back(&pool->waiting, &req->link);
    spin_unlock_irqrestore(&pool->lock, flags);
    task_wake(&pool->task);
}

static void call_end(struct pool_call *call)
{
    struct task *task = call->task; /* the waiter's stack ends with the next store */

    __atomic_store_n(&call->is_done, true, __ATOMIC_RELEASE);
    task_wake(task);
}

static void on_call_done(struct store_op *op)
{
    struct pool_call *call = op->arg;

    call->pool->calls_active--;
    call->status = op->status;
    call_end(call);
}

static void begin_call(struct pool *pool, struct pool_call *call)
{
    if (call->op != NULL) {
        pool->calls_active++;
        call->op->done = on_call_done;
        call->op->arg = call;
        store_submit(pool->store, call->op);
        return;
    }
    if (call->closing != NULL)
        call->status = store_close(pool->store, call->closing);
    else
        call->number = store_next(pool->store, call->number, &call->kind);
    call_end(call);
}

static void call_and_wait(struct pool *pool, struct pool_call *call)
{
    u64 flags;

    call->pool = pool;
    call->task = task_current();
    flags = spin_lock_irqsave(&pool->lock);
    list_push_back(&pool->calls, &call->link);
    spin_unlock_irqrestore(&pool->lock, flags);
    task_wake(&pool->task);
    while (!__atomic_load_n(&call->is_done, __ATOMIC_ACQUIRE))
        task_wait();
    task_wake(call->task); /* a wake-up for something else may have been taken with it */
}

int pool_run(struct pool *pool, struct store_op *op, void *buf)
{
    struct pool_call call = {.op = op};
    int error;

    if (pool == NULL || pool_get_state(pool, &error) != POOL_ONLINE)
        return -EBUSY;
    if (buf != NULL) {
        call.seg = (struct blk_seg){ptr_to_hpa(buf), (u32)op->bytes};
        call.mem = (struct pool_mem){&call.seg, 1};
        op->mem = &call.mem;
    }
    call_and_wait(pool, &call);
    return call.status;
}

int pool_close_volume(struct pool *pool, struct store_volume *volume)
{
    struct pool_call call = {.closing = volume};

    call_and_wait(pool, &call);
    return call.status;
}

u32 pool_block_bytes(const struct pool *pool)
{
    return pool->on->block_bytes;
}

u32 pool_next(struct pool *pool, u32 number, enum store_object_kind *kind)
{
    struct pool_call call = {.number = number};

    call_and_wait(pool, &call);
    *kind = call.kind;
    return call.number;
}

/* -- the task
 * ------------------------------------------------------------------------------------------------------
 */

/* Takes the first of a list. Return: NULL: there is none. */
static struct list *take(struct pool *pool, struct list *from)
{
    u64 flags = spin_lock_irqsave(&pool->lock);
    struct list *first = list_empty(from) ? NULL : from->next;

    if (first != NULL)
        list_remove(first);
    spin_unlock_irqrestore(&pool->lock, flags);
    return first;
}

/* One thing of each kind. Return: false if there was nothing that could be done. */
static bool work(struct pool *pool)
{
    struct list *ended = take(pool, &pool->ended);
    struct list *call = pool->calls_active < POOL_CALLS ? take(pool, &pool->calls) : NULL;
    struct list *request = list_empty(&pool->free_ops) ? NULL : take(pool, &pool->waiting);

    if (ended != NULL)
        pool_io_ended(list_entry(ended, struct pool_io, link));
    if (call != NULL)
        begin_call(pool, list_entry(call, struct pool_call, link));
    if (request != NULL)
        begin_request(pool, list_entry(request, struct volume_req, link));
    return ended != NULL || call != NULL || request != NULL;
}

/* What others may know of the store. A failure is told once. */
static void publish(struct pool *pool)
{
    struct store_usage usage;
    u64 flags;

    store_usage(pool->store, &usage);
    flags = spin_lock_irqsave(&pool->lock);
    pool->usage = usage;
    spin_unlock_irqrestore(&pool->lock, flags);
    if (usage.is_failed && pool->state == POOL_ONLINE)
        set_state(pool, POOL_FAILED, -EIO);
}

void pool_get_usage(struct pool *pool, struct store_usage *out)
{
    u64 flags = spin_lock_irqsave(&pool->lock);

    *out = pool->usage;
    spin_unlock_irqrestore(&pool->lock, flags);
}

static void on_settled(struct store_op *op)
{
    struct pool *pool = op->arg;

    pool->is_settling = false;
}

/*
 * A disk's cache empties itself by and by, and file systems without a journal rely on it: Linux
 * writes their metadata after the last flush of sync(2). What the store maps for such writes would
 * wait in memory until anybody flushes, so the pool does, a second after it saw the first of them.
 * Return: when to look again.
 */
static u64 settle(struct pool *pool)
{
    u64 now = time_ns();

    if (pool->is_settling || !store_has_changes(pool->store)) {
        pool->settle_ns = 0;
        return TIMERQ_NEVER;
    }
    if (pool->settle_ns == 0)
        pool->settle_ns = now + SETTLE_NS;
    if (now < pool->settle_ns)
        return pool->settle_ns;
    pool->is_settling = true;
    pool->settle = (struct store_op){.kind = STORE_FLUSH, .done = on_settled, .arg = pool};
    store_submit(pool->store, &pool->settle);
    return TIMERQ_NEVER;
}

static bool is_stopping(const struct pool *pool)
{
    return __atomic_load_n(&pool->is_stopping, __ATOMIC_ACQUIRE) && store_is_idle(pool->store);
}

/* Waits for work, or until changes are due. Return: false: the pool's end has come. */
static bool wait_for_work(struct pool *pool)
{
    u64 look_ns = settle(pool);

    publish(pool);
    if (is_stopping(pool))
        return false;
    if (look_ns == TIMERQ_NEVER)
        task_wait();
    else
        (void)task_wait_until(look_ns);
    return !is_stopping(pool);
}

static void pool_main(void *arg)
{
    struct pool *pool = arg;
    bool is_formatting = pool->state == POOL_FORMATTING;

    if (is_formatting)
        format(pool);
    else
        mount(pool);
    do {
        while (work(pool))
            ;
        if (is_formatting && pool->state == POOL_MOUNTING) {
            is_formatting = false;
            pool->store = store_init(pool->memory, &pool->disk);
            mount(pool);
        }
    } while (wait_for_work(pool));
}

/* Memory that nobody else was promised. */
static void *take_memory(u64 bytes)
{
    void *memory;

    if (!pmm_promise(bytes))
        return NULL;
    memory = kmalloc(bytes);
    pmm_promise_change(-(s64)bytes);
    return memory;
}

static void init_lists(struct pool *pool)
{
    spin_init(&pool->lock, "pool", LOCK_POOL);
    list_init(&pool->calls);
    list_init(&pool->waiting);
    list_init(&pool->ended);
    list_init(&pool->free_ops);
    for (u32 i = 0; i < POOL_OPS; i++) {
        pool->ops[i].pool = pool;
        list_push_back(&pool->free_ops, &pool->ops[i].link);
    }
}

int pool_start(struct volume *on, const u8 *format_uuid, void (*news)(void), struct pool **out)
{
    static u32 started; /* management task */
    u64 bytes = store_memory_bytes(volume_bytes(on));
    struct pool *pool;
    int rc;

    if (bytes == 0)
        return -EINVAL;
    pool = kzalloc(sizeof(*pool));
    if (pool == NULL)
        return -ENOMEM;
    pool->on = on;
    pool->news = news;
    pool->state = format_uuid != NULL ? POOL_FORMATTING : POOL_MOUNTING;
    if (format_uuid != NULL)
        memcpy(pool->uuid, format_uuid, sizeof(pool->uuid));
    init_lists(pool);
    pool_io_init(pool);
    pool->memory = take_memory(bytes);
    rc = pool->memory != NULL ? 0 : -ENOMEM;
    if (rc == 0) {
        pool->store = store_init(pool->memory, &pool->disk);
        rc =
            task_start(&pool->task, "pool", TASK_DRIVER, started++ % pcpu_count(), pool_main, pool);
    }
    if (rc != 0) {
        kfree(pool->memory);
        kfree(pool);
        return rc;
    }
    *out = pool;
    return 0;
}

void pool_stop(struct pool *pool)
{
    __atomic_store_n(&pool->state, POOL_UNMOUNTING, __ATOMIC_RELEASE);
    __atomic_store_n(&pool->is_stopping, true, __ATOMIC_RELEASE);
    task_wake(&pool->task);
}

bool pool_has_stopped(const struct pool *pool)
{
    return task_has_exited(&pool->task);
}

void pool_free(struct pool *pool)
{
    task_join(&pool->task);
    kfree(pool->memory);
    kfree(pool);
}
