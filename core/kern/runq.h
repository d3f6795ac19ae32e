/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run queue of a pCPU: what is ready there, how long the running task may go on, how much its
 * vCPUs weigh, and how vCPUs go from one to another. Private to core/kern; task.h says what for.
 */
#ifndef SOCLE_KERN_RUNQ_H
#define SOCLE_KERN_RUNQ_H

#include "core/kern/sched.h"
#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/types.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"

struct runq {
    struct spinlock lock;
    struct sched_queue ready; /* lock */
    struct task idle;         /* never in the ready lists */
    struct task *wake_after;  /* lock: joiner of the task that has just exited */
    struct task *displaced;   /* lock: vCPU that has just stopped running and must go elsewhere */
    struct timer slice;       /* ends a time slice while others wait, or with the limit */
    u64 slice_end_ns;         /* lock: when it does */
    u32 load;                 /* (a) written under lock: weights of vCPUs ready or running */
    bool is_reserved;         /* (a) for exclusive vCPUs */
    u64 balance_ns;           /* (o) when runq_balance looks at others again */
    u32 balance_next;         /* (o) at which ones */
};

/* Context: this pCPU, before tasks run there; its idle task becomes the current one. */
void runq_init(void);

/* Return: never NULL for a pCPU there is. */
struct runq *runq_get(u32 pcpu);

static inline struct runq *runq_this(void)
{
    return runq_get(this_pcpu()->id);
}

/* Locks the queue the task belongs to: it cannot move then. */
struct runq *runq_lock_of(const struct task *task, u64 *flags);

/* Makes the pCPU look at its queue again: at the next VM entry, or at once if it is idle or in a
 * guest. Context: any. */
void runq_resched(struct pcpu *p);

/* -- run time; context of all: run-queue lock held */

/* Brings the running task's accounts up to now. Context: any pCPU. */
void runq_account(struct runq *rq, struct task *running, u64 now);

/* The same at the end of a run: what was not used of the limit goes back. Return: the time. */
u64 runq_end_run(struct runq *rq, struct task *running);

/* Gives the task that is about to run its slice. Context: its pCPU. */
void runq_begin_slice(struct runq *rq, struct task *task, u64 now);

/* -- load and placement; lock of the queue held unless said otherwise */

/* The task becomes ready or running, having been neither; or ceases to. */
void runq_add_load(struct runq *rq, struct task *task);
void runq_drop_load(struct runq *rq, struct task *task);

/* The least loaded pCPU of those allowed; of equals one of its node, and the first from `first` on,
 * so that a vCPU stays where its caches are. Loads may change meanwhile: runq_pull mends what that
 * spoils. Context: any, no lock needed. */
u32 runq_least_loaded(const struct task *task, u32 first);

/* For one that wakes: where no vCPU is ready or runs, or where it was. Who is woken often would all
 * end up on the pCPU that seems the least loaded while they sleep. Context: lock of its queue. */
u32 runq_idle_or_same(const struct task *task);

/* False if the queue's pCPU has been reserved, and not for this task. */
bool runq_may_stay(const struct runq *rq, const struct task *task);

/* The task is ready, but in no queue: in the hands of the caller. Context: lock of the queue it
 * belonged to held, which is released. Return: the lock of the new one is held. */
struct runq *runq_move(struct runq *from, struct task *task, u32 pcpu);

/* Fetches a vCPU that waits on another pCPU. Context: idle task, interrupts off, no lock. Return:
 * true if there was one. */
bool runq_pull(void);

/* How often a busy pCPU compares itself with others, and with how many of them. */
#define RUNQ_BALANCE_NS    (10 * NS_PER_MS)
#define RUNQ_BALANCE_TRIES 4

/* If it is time for it: looks at a few other pCPUs where vCPUs run, and gives a vCPU that waits
 * here to the one that is furthest ahead, if it has had too little compared with those there.
 * Context: this pCPU, interrupts off, no lock. */
void runq_balance(struct runq *rq);

/* The vCPU that runs on this pCPU lets another one of its VM, that waits here or elsewhere, go
 * before it: that one comes here and gets its virtual time in exchange. Context: this pCPU,
 * interrupts off, no lock. Return: false if the other one does not wait, or may not run here. */
bool runq_let_pass(struct task *running, struct task *other);

/* If a vCPU waits here an idle pCPU is told to fetch it. One that falls idle just now and is missed
 * is told at the next slice. */
void runq_offer(const struct runq *rq);

#endif
