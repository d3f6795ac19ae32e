/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks on per-pCPU run queues.
 *
 * The run-queue lock is held across task_switch and released by whoever comes out of it on that CPU
 * (finish_switch): a task that has left the CPU is therefore never seen half-switched.
 */
#include "core/kern/task.h"

#include "core/kern/kern.h"
#include "core/kern/runq.h"
#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/percpu.h"
#include "mm/hpt.h"

void task_switch(u64 *save_rsp, u64 load_rsp);
void task_first_entry(void);
void task_begin(void);

struct task *task_current(void)
{
    return this_pcpu()->current;
}

void task_cpu_init(void)
{
    runq_init();
}

/* Makes a task that slept ready. Context: run-queue lock held; any pCPU. */
static void make_ready(struct runq *rq, struct pcpu *p, struct task *task)
{
    struct task *running = p->current;
    u64 now = time_ns();

    runq_account(rq, running, now);
    task->since_ns = now;
    task->is_woken = true;
    runq_add_load(rq, task);
    /* Without a slice under way the running task would not look at the queue by itself. */
    if (sched_wake(&rq->ready, task, running) ||
        (task->class == running->class && rq->slice_end_ns <= now))
        runq_resched(p);
}

/* Ends the wait of a task. Context: lock of its run queue held. Return: the queue it is in now,
 * whose lock is held instead. */
static struct runq *end_wait(struct runq *rq, struct task *task)
{
    u32 pcpu = task->class == TASK_VCPU ? runq_idle_or_same(task) : task->pcpu;

    task->state = TASK_RUNNABLE;
    if (pcpu != task->pcpu) {
        sched_leave(&rq->ready, task);
        rq = runq_move(rq, task, pcpu);
    }
    make_ready(rq, pcpu_get(pcpu), task);
    return rq;
}

/* Context: after every switch, on the stack switched to; interrupts off. */
static void finish_switch(void)
{
    struct runq *rq = runq_this();
    struct task *joiner = rq->wake_after, *displaced = rq->displaced;

    rq->wake_after = rq->displaced = NULL;
    if (displaced != NULL)
        rq = end_wait(rq, displaced);
    spin_unlock(&rq->lock);
    if (joiner != NULL)
        task_wake(joiner);
}

/* The task has waited for the pCPU since it became ready. Clocks of pCPUs may differ by a little.
 * Context: run-queue lock held. */
static void count_wait(struct task *task, u64 now)
{
    u64 waited_ns = now > task->since_ns ? now - task->since_ns : 0;

    task->wait_ns += waited_ns;
    if (task->is_woken)
        time_stats_count(&task->wakeups, waited_ns);
    task->is_woken = false;
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
        count_wait(next, now);
    next->state = TASK_RUNNING;
    next->since_ns = now;
    runq_begin_slice(rq, next, now);
    runq_offer(rq);
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
    rq = runq_this();
    spin_lock(&rq->lock);
    now = runq_end_run(rq, task);
    runq_drop_load(rq, task);
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
    struct runq *rq = runq_get(task->pcpu);
    u64 flags;

    if (pcpu_get(task->pcpu) == NULL || !pcpu_get(task->pcpu)->is_online)
        return -EINVAL;
    (void)str_copy(task->name, sizeof task->name, name);
    list_init(&task->link);
    task->stack = kstack_alloc();
    if (task->stack == NULL)
        return -ENOMEM;
    task->saved_rsp = first_frame(task->stack);
    flags = spin_lock_irqsave(&rq->lock);
    task->state = TASK_WAITING; /* from here on it may be woken */
    sched_join(&rq->ready, task);
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
                          .node = share->node,
                          .is_exclusive = share->is_exclusive,
                          .limit = share->limit,
                          .entry = entry,
                          .arg = arg};
    task->pcpu =
        runq_least_loaded(task, __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % pcpu_count());
    fair_node_init(&task->share, share->weight);
    return start(task, name);
}

bool task_has_exited(const struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);
    bool exited = task->state == TASK_EXITED;

    spin_unlock_irqrestore(&rq->lock, flags);
    return exited;
}

void task_join(struct task *task)
{
    for (;;) {
        u64 flags;
        struct runq *rq = runq_lock_of(task, &flags);
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

void task_wake(struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);

    if (task->state == TASK_WAITING)
        rq = end_wait(rq, task);
    else
        task->wake_token = true;
    spin_unlock_irqrestore(&rq->lock, flags);
}

struct task_times task_times(const struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);
    u64 now = time_ns(), open_ns = now > task->since_ns ? now - task->since_ns : 0;
    struct task_times times = {task->run_ns, task->wait_ns, task->limited_ns};

    if (task->state == TASK_RUNNING)
        times.run_ns += open_ns;
    if (task->state == TASK_RUNNABLE)
        times.wait_ns += open_ns;
    spin_unlock_irqrestore(&rq->lock, flags);
    return times;
}

void task_reserve_pcpu(u32 pcpu, bool reserve)
{
    __atomic_store_n(&runq_get(pcpu)->is_reserved, reserve, __ATOMIC_SEQ_CST);
    runq_resched(pcpu_get(pcpu));
}

void task_set_weight(struct task *task, u32 weight)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);
    bool is_counted = task->load != 0;

    if (task->state == TASK_RUNNING)
        runq_account(rq, task, time_ns());
    if (is_counted)
        runq_drop_load(rq, task);
    task->share.weight = weight;
    if (is_counted)
        runq_add_load(rq, task);
    spin_unlock_irqrestore(&rq->lock, flags);
}

void task_limit_changed(struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);

    if (task->state == TASK_RUNNING)
        runq_resched(pcpu_get(task->pcpu));
    spin_unlock_irqrestore(&rq->lock, flags);
    task_wake(task);
}

void task_wait(void)
{
    struct task *me;
    struct runq *rq;
    u64 flags = irq_save();

    me = task_current();
    rq = runq_this();
    spin_lock(&rq->lock);
    if (me->wake_token) {
        me->wake_token = false;
        spin_unlock(&rq->lock);
    } else {
        u64 now = runq_end_run(rq, me);

        runq_drop_load(rq, me);
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

/* A vCPU that may not run here any more: once it is off the pCPU it is given another one. Context:
 * run-queue lock held, which is released; accounts up to now. */
static void leave_pcpu(struct runq *rq, struct task *me, u64 now)
{
    runq_drop_load(rq, me);
    me->state = TASK_WAITING;
    rq->displaced = me;
    switch_away(rq, now);
}

void task_yield(void)
{
    struct task *me;
    struct runq *rq;
    u64 flags = irq_save(), now, ready_ns;

    me = task_current();
    rq = runq_this();
    runq_balance(rq);
    spin_lock(&rq->lock);
    now = runq_end_run(rq, me);
    if (!runq_may_stay(rq, me)) {
        leave_pcpu(rq, me, now);
        irq_restore(flags);
        return;
    }
    ready_ns = cpu_limit_is_on(me->limit) ? cpu_limit_ready_ns(me->limit, now) : now;
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

bool task_let_pass(struct task *other)
{
    u64 flags = irq_save();
    bool passes = runq_let_pass(task_current(), other);

    irq_restore(flags);
    return passes;
}

bool task_others_wait(void)
{
    return __atomic_load_n(&runq_this()->ready.vcpus.count, __ATOMIC_RELAXED) != 0;
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
        if (!task_should_yield() && !runq_pull()) {
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
