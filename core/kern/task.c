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

#define SLICE_NS (5 * NS_PER_MS)

struct runq {
    struct spinlock lock;
    struct sched_queue ready; /* lock */
    struct task idle;         /* never in the ready lists */
    struct task *wake_after;  /* lock: joiner of the task that has just exited */
    struct timer slice;       /* ends a time slice while others of the class wait */
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
    rq->idle.started_ns = time_ns();
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

/* Context: run-queue lock held. */
static void make_ready(struct runq *rq, struct task *task)
{
    task->state = TASK_RUNNABLE;
    task->ready_since_ns = time_ns();
    sched_add(&rq->ready, task);
}

/* Context: run-queue lock held, interrupts off; the caller has set the current task's new state. */
static void switch_away(struct runq *rq)
{
    struct task *prev = this_pcpu()->current, *next = sched_pick(&rq->ready);
    u64 now = time_ns();

    __atomic_store_n(&this_pcpu()->remote.resched, 0, __ATOMIC_RELAXED);
    if (next == NULL)
        next = &rq->idle;
    next->state = TASK_RUNNING;
    prev->run_ns += now - prev->started_ns;
    next->started_ns = now;
    if (next != &rq->idle)
        next->ready_ns += now - next->ready_since_ns;
    if (next->class < TASK_CLASS_COUNT && sched_has_same_or_better(&rq->ready, next->class))
        timer_arm(&rq->slice, now + SLICE_NS);
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

    finish_switch();
    irq_enable();
    task->entry(task->arg);

    irq_disable();
    rq = this_runq();
    spin_lock(&rq->lock);
    task->state = TASK_EXITED;
    rq->wake_after = task->joiner;
    switch_away(rq);
}

int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg)
{
    u64 *top;

    if (pcpu_get(pcpu) == NULL || !pcpu_get(pcpu)->is_online)
        return -EINVAL;
    *task = (struct task){.class = class, .pcpu = pcpu, .entry = entry, .arg = arg};
    (void)str_copy(task->name, sizeof task->name, name);
    list_init(&task->link);
    task->stack = kstack_alloc();
    if (task->stack == NULL)
        return -ENOMEM;
    /* What task_switch pops: six registers and a return address; then the alignment a call expects.
     */
    top = (u64 *)(void *)((u8 *)task->stack + KSTACK_BYTES) - 2;
    *--top = (u64)task_first_entry;
    top -= 6;
    memset(top, 0, 6 * sizeof *top);
    task->saved_rsp = (u64)top;
    task->state = TASK_WAITING;
    task_wake(task);
    return 0;
}

bool task_has_exited(const struct task *task)
{
    struct runq *rq = &runqs[task->pcpu];
    u64 flags = spin_lock_irqsave(&rq->lock);
    bool exited = task->state == TASK_EXITED;

    spin_unlock_irqrestore(&rq->lock, flags);
    return exited;
}

void task_join(struct task *task)
{
    struct runq *rq = &runqs[task->pcpu];

    for (;;) {
        u64 flags = spin_lock_irqsave(&rq->lock);
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
    struct runq *rq = &runqs[task->pcpu];
    struct pcpu *p = pcpu_get(task->pcpu);
    u64 flags = spin_lock_irqsave(&rq->lock);

    task->wake_token = true;
    if (task->state == TASK_WAITING) {
        make_ready(rq, task);
        /* An equal goes first as well: who waits has not used its share. */
        if (task->class <= p->current->class)
            request_resched(p);
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
        me->state = TASK_WAITING;
        switch_away(rq);
        me->wake_token = false;
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
    u64 flags = irq_save();

    me = task_current();
    rq = this_runq();
    spin_lock(&rq->lock);
    if (me != &rq->idle)
        make_ready(rq, me);
    switch_away(rq);
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
        if (!task_should_yield()) {
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
