/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks on per-pCPU run queues.
 *
 * The run-queue lock is held across task_switch and released by whoever comes out of it on that CPU
 * (finish_switch): a task that has left the CPU is therefore never seen half-switched.
 */
#include "core/kern/task.h"

#include "core/config.h"
#include "core/kern/kern.h"
#include "core/kern/sched.h"
#include "core/kern/timer.h"
#include "core/kern/work.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"
#include "mm/hpt.h"

struct runq {
    struct spinlock lock;
    struct sched_queue ready; /* lock */
    struct task idle;         /* never in the ready lists */
    struct task *wake_after;  /* lock: joiner of the task that has just exited */
    struct timer slice;       /* ends a time slice while others wait, or with the limit */
    u64 slice_end_ns;         /* lock: when it does */
    u32 load;                 /* (a) written under lock: weights of vCPUs ready or running */
};

static struct runq runqs[PCPUS_MAX];

void task_switch(u64 *save_rsp, u64 load_rsp);
void task_first_entry(void);
void task_begin(void);

static struct runq *this_runq(void)
{
    return &runqs[this_pcpu()->id];
}

struct task *task_current(void)
{
    return this_pcpu()->current;
}

static void request_resched(struct pcpu *p)
{
    __atomic_store_n(&p->remote.resched, 1, __ATOMIC_RELEASE);
    if (p != this_pcpu())
        work_kick(p->id);
}

static void slice_over(void *arg)
{
    (void)arg;
    request_resched(this_pcpu());
}

void task_cpu_init(void)
{
    struct runq *rq = this_runq();

    spin_init(&rq->lock, "run queue", LOCK_RUNQ);
    sched_init(&rq->ready);
    timer_init(&rq->slice, slice_over, NULL);
    (void)str_copy(rq->idle.name, sizeof rq->idle.name, "idle");
    rq->idle.class = TASK_CLASS_COUNT;
    rq->idle.pcpu = this_pcpu()->id;
    rq->idle.state = TASK_RUNNING;
    rq->idle.since_ns = time_ns();
    this_pcpu()->current = &rq->idle;
}

/* Context: after every switch, on the stack switched to; interrupts off. */
static void finish_switch(void)
{
    struct runq *rq = this_runq();
    struct task *joiner = rq->wake_after;

    rq->wake_after = NULL;
    spin_unlock(&rq->lock);
    if (joiner != NULL)
        task_wake(joiner);
}

/* -- run time
 * ------------------------------------------------------------------------------------------------
 */

void cpu_limit_init(struct cpu_limit *limit, u32 millicpu)
{
    spin_init(&limit->lock, "cpu limit", LOCK_CPU_LIMIT);
    token_bucket_init(&limit->bucket, millicpu, time_ns());
}

/* Time the task may run before it asks again. Context: run-queue lock held. */
static u64 take_from_limit(struct task *task, u64 now)
{
    if (task->limit == NULL)
        return SCHED_SLICE_NS;
    spin_lock(&task->limit->lock);
    task->taken_ns = token_bucket_take(&task->limit->bucket, now);
    spin_unlock(&task->limit->lock);
    return task->taken_ns;
}

/* When the task may run again as far as its limit goes. Context: its run-queue lock held. */
static u64 limit_ready_ns(struct task *task, u64 now)
{
    u64 ready = now;

    if (task->limit != NULL) {
        spin_lock(&task->limit->lock);
        ready = token_bucket_ready_ns(&task->limit->bucket, now);
        spin_unlock(&task->limit->lock);
    }
    return ready;
}

/* Context: the task's run-queue lock held. */
static void settle_limit(struct task *task, u64 taken_ns, u64 used_ns)
{
    spin_lock(&task->limit->lock);
    token_bucket_settle(&task->limit->bucket, taken_ns, used_ns);
    spin_unlock(&task->limit->lock);
}

/* Brings the running task's accounts up to now. Context: run-queue lock held; any pCPU. */
static void account(struct runq *rq, struct task *running, u64 now)
{
    u64 ran = now > running->since_ns ? now - running->since_ns : 0;
    u64 covered = MIN(ran, running->taken_ns);

    running->since_ns += ran;
    running->run_ns += ran;
    sched_charge(&rq->ready, running, ran);
    running->taken_ns -= covered;
    if (running->limit != NULL && ran > covered)
        settle_limit(running, 0, ran - covered);
}

/* The same at the end of a run: what was not used of the limit goes back. Return: the time. */
static u64 end_run(struct runq *rq, struct task *running)
{
    u64 now = time_ns();

    account(rq, running, now);
    if (running->limit != NULL)
        settle_limit(running, running->taken_ns, 0);
    running->taken_ns = 0;
    return now;
}

/* -- placement
 * ------------------------------------------------------------------------------------------------
 */

static void add_load(struct runq *rq, const struct task *task)
{
    __atomic_store_n(&rq->load, rq->load + task->share.weight, __ATOMIC_RELAXED);
}

static void drop_load(struct runq *rq, const struct task *task)
{
    __atomic_store_n(&rq->load, rq->load - task->share.weight, __ATOMIC_RELAXED);
}

static bool may_run_on(const struct task *task, u32 pcpu)
{
    return cpu_mask_has(&task->allowed, pcpu) &&
           __atomic_load_n(&pcpu_get(pcpu)->is_online, __ATOMIC_RELAXED);
}

/* The least loaded pCPU of those allowed; of equals the first from `first` on, so that a vCPU stays
 * where its caches are. Loads may change meanwhile: pull() mends what that spoils. Context: any. */
static u32 least_loaded(const struct task *task, u32 first)
{
    u32 count = pcpu_count(), best = first, least = UINT32_MAX;

    for (u32 i = 0; i < count && least != 0; i++) {
        u32 id = (first + i) % count, load = __atomic_load_n(&runqs[id].load, __ATOMIC_RELAXED);

        if (load < least && may_run_on(task, id)) {
            best = id;
            least = load;
        }
    }
    return best;
}

/* The task is ready, but in no queue: in the hands of the caller. Context: lock of the queue it
 * belonged to held, which is released. Return: the lock of the new one is held. */
static struct runq *move(struct runq *from, struct task *task, u32 pcpu)
{
    struct runq *to = &runqs[pcpu];

    __atomic_store_n(&task->pcpu, pcpu, __ATOMIC_SEQ_CST);
    spin_unlock(&from->lock);
    spin_lock(&to->lock);
    sched_enter(&to->ready, task);
    return to;
}

/* Fetches a vCPU that waits on another pCPU. Context: idle task, interrupts off. Return: true if
 * there was one. */
static bool pull(void)
{
    u32 me = this_pcpu()->id, count = pcpu_count();

    for (u32 i = 1; i < count; i++) {
        struct runq *rq = &runqs[(me + i) % count];
        struct task *task;

        if (__atomic_load_n(&rq->ready.vcpus.count, __ATOMIC_RELAXED) == 0)
            continue;
        spin_lock(&rq->lock);
        task = sched_pull(&rq->ready, me);
        if (task == NULL) {
            spin_unlock(&rq->lock);
            continue;
        }
        drop_load(rq, task);
        rq = move(rq, task, me);
        sched_add(&rq->ready, task);
        add_load(rq, task);
        spin_unlock(&rq->lock);
        return true;
    }
    return false;
}

/* A vCPU waits here: has an idle pCPU fetch it. One that falls idle just now and is missed is told
 * at the next slice. Context: run-queue lock held. */
static void offer(const struct runq *rq)
{
    const struct task *task;

    if (rq->ready.vcpus.root == NULL)
        return;
    task = container_of(rq->ready.vcpus.root, struct task, share);
    for (u32 i = 0; i < pcpu_count(); i++) {
        struct pcpu *p = pcpu_get(i);

        if (__atomic_load_n(&p->idle_since_ns, __ATOMIC_RELAXED) != 0 && may_run_on(task, i)) {
            request_resched(p);
            return;
        }
    }
}

/* Context: run-queue lock held, on its pCPU. */
static void begin_slice(struct runq *rq, struct task *task, u64 now)
{
    bool others_wait =
        task->class < TASK_CLASS_COUNT && sched_has_same_or_better(&rq->ready, task->class);
    u64 slice = take_from_limit(task, now);

    rq->slice_end_ns = now;
    if (!others_wait && task->limit == NULL)
        return;
    rq->slice_end_ns += MIN(slice, SCHED_SLICE_NS);
    if (slice == 0)
        request_resched(this_pcpu());
    else
        timer_arm(&rq->slice, rq->slice_end_ns);
}

/* Context: run-queue lock held, interrupts off; the caller has brought the current task's accounts
 * up to now and has set its new state. */
static void switch_away(struct runq *rq, u64 now)
{
    struct task *prev = this_pcpu()->current, *next = sched_pick(&rq->ready);

    __atomic_store_n(&this_pcpu()->remote.resched, 0, __ATOMIC_RELAXED);
    if (next == NULL)
        next = &rq->idle;
    else
        next->wait_ns += now > next->since_ns ? now - next->since_ns : 0;
    next->state = TASK_RUNNING;
    next->since_ns = now;
    begin_slice(rq, next, now);
    offer(rq);
    if (next != prev) {
        this_pcpu()->current = next;
        task_switch(&prev->saved_rsp, next->saved_rsp);
    }
    finish_switch();
}

void task_begin(void)
{
    struct task *task = task_current();
    struct runq *rq;
    u64 now;

    finish_switch();
    irq_enable();
    task->entry(task->arg);

    irq_disable();
    rq = this_runq();
    spin_lock(&rq->lock);
    now = end_run(rq, task);
    drop_load(rq, task);
    task->state = TASK_EXITED;
    rq->wake_after = task->joiner;
    switch_away(rq, now);
}

/* What task_switch pops: six registers and a return address; then the alignment a call expects. */
static u64 first_frame(void *stack)
{
    u64 *top = (u64 *)(void *)((u8 *)stack + KSTACK_BYTES) - 2;

    *--top = (u64)task_first_entry;
    top -= 6;
    memset(top, 0, 6 * sizeof *top);
    return (u64)top;
}

/* The struct has class, pcpu, entry, arg and what its class needs besides. */
static int start(struct task *task, const char *name)
{
    struct runq *rq = &runqs[task->pcpu];
    u64 flags;

    if (pcpu_get(task->pcpu) == NULL || !pcpu_get(task->pcpu)->is_online)
        return -EINVAL;
    (void)str_copy(task->name, sizeof task->name, name);
    list_init(&task->link);
    task->stack = kstack_alloc();
    if (task->stack == NULL)
        return -ENOMEM;
    task->saved_rsp = first_frame(task->stack);
    task->state = TASK_WAITING;
    flags = spin_lock_irqsave(&rq->lock);
    sched_enter(&rq->ready, task);
    spin_unlock_irqrestore(&rq->lock, flags);
    task_wake(task);
    return 0;
}

int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg)
{
    *task = (struct task){.class = class, .pcpu = pcpu, .entry = entry, .arg = arg};
    return start(task, name);
}

int task_start_vcpu(struct task *task, const char *name, const struct cpu_share *share,
                    void (*entry)(void *arg), void *arg)
{
    static u32 next; /* takes turns among pCPUs of equal load */

    *task = (struct task){.class = TASK_VCPU,
                          .allowed = share->allowed,
                          .limit = share->limit,
                          .entry = entry,
                          .arg = arg};
    task->pcpu = least_loaded(task, __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % pcpu_count());
    fair_node_init(&task->share, share->weight);
    return start(task, name);
}

/* Locks the queue the task belongs to: it cannot move then. */
static struct runq *lock_runq_of(const struct task *task, u64 *flags)
{
    for (;;) {
        u32 pcpu = task_pcpu(task);

        *flags = spin_lock_irqsave(&runqs[pcpu].lock);
        if (task_pcpu(task) == pcpu)
            return &runqs[pcpu];
        spin_unlock_irqrestore(&runqs[pcpu].lock, *flags);
    }
}

bool task_has_exited(const struct task *task)
{
    u64 flags;
    struct runq *rq = lock_runq_of(task, &flags);
    bool exited = task->state == TASK_EXITED;

    spin_unlock_irqrestore(&rq->lock, flags);
    return exited;
}

void task_join(struct task *task)
{
    for (;;) {
        u64 flags;
        struct runq *rq = lock_runq_of(task, &flags);
        bool exited = task->state == TASK_EXITED;

        task->joiner = task_current();
        spin_unlock_irqrestore(&rq->lock, flags);
        if (exited)
            break;
        task_wait();
    }
    kstack_free(task->stack);
    task->stack = NULL;
}

/* Makes a task that slept ready. Context: run-queue lock held; any pCPU. */
static void make_ready(struct runq *rq, struct pcpu *p, struct task *task)
{
    struct task *running = p->current;
    u64 now = time_ns();

    account(rq, running, now);
    task->since_ns = now;
    add_load(rq, task);
    /* Without a slice under way the running task would not look at the queue by itself. */
    if (sched_wake(&rq->ready, task, running) ||
        (task->class == running->class && rq->slice_end_ns <= now))
        request_resched(p);
}

void task_wake(struct task *task)
{
    u64 flags;
    struct runq *rq = lock_runq_of(task, &flags);

    if (task->state == TASK_WAITING) {
        u32 pcpu = task->class == TASK_VCPU ? least_loaded(task, task->pcpu) : task->pcpu;

        task->state = TASK_RUNNABLE;
        if (pcpu != task->pcpu) {
            sched_leave(&rq->ready, task);
            rq = move(rq, task, pcpu);
        }
        make_ready(rq, pcpu_get(pcpu), task);
    } else {
        task->wake_token = true;
    }
    spin_unlock_irqrestore(&rq->lock, flags);
}

void task_wait(void)
{
    struct task *me;
    struct runq *rq;
    u64 flags = irq_save();

    me = task_current();
    rq = this_runq();
    spin_lock(&rq->lock);
    if (me->wake_token) {
        me->wake_token = false;
        spin_unlock(&rq->lock);
    } else {
        u64 now = end_run(rq, me);

        drop_load(rq, me);
        me->state = TASK_WAITING; /* task_wake takes it out of this state: that is the token */
        switch_away(rq, now);
    }
    irq_restore(flags);
}

struct wait_timeout {
    struct task *task;
    bool fired;
};

static void wait_timed_out(void *arg)
{
    struct wait_timeout *w = arg;

    w->fired = true;
    task_wake(w->task);
}

bool task_wait_until(u64 deadline_ns)
{
    struct wait_timeout w = {task_current(), false};
    struct timer t;

    timer_init(&t, wait_timed_out, &w);
    timer_arm(&t, deadline_ns);
    task_wait();
    timer_cancel(&t);
    return !w.fired;
}

void task_yield(void)
{
    struct task *me;
    struct runq *rq;
    u64 flags = irq_save(), now, ready_ns;

    me = task_current();
    rq = this_runq();
    spin_lock(&rq->lock);
    now = end_run(rq, me);
    ready_ns = limit_ready_ns(me, now);
    if (ready_ns > now) {
        u64 waited_ns = me->wait_ns;

        spin_unlock(&rq->lock);
        irq_restore(flags);
        (void)task_wait_until(ready_ns);
        me->limited_ns += time_ns() - now - (me->wait_ns - waited_ns);
        return;
    }
    if (me != &rq->idle) {
        me->state = TASK_RUNNABLE;
        sched_add(&rq->ready, me);
    }
    switch_away(rq, now);
    irq_restore(flags);
}

bool task_should_yield(void)
{
    return __atomic_load_n(&this_pcpu()->remote.resched, __ATOMIC_ACQUIRE) != 0;
}

void task_idle_loop(void)
{
    struct pcpu *p = this_pcpu();

    irq_disable();
    for (;;) {
        if (!task_should_yield() && !pull()) {
            u64 start = time_ns();

            __atomic_store_n(&p->idle_since_ns, start, __ATOMIC_RELAXED);
            sti_hlt();
            irq_disable();
            __atomic_store_n(&p->idle_since_ns, 0, __ATOMIC_RELAXED);
            p->idle_ns += time_ns() - start;
        } else {
            task_yield();
        }
    }
}
