/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: everything that lives long (vCPU loops, driver bottom halves, the management agent) has
 * its own stack. Drivers and the agent stay on one pCPU; a vCPU may go to another while it does not
 * run: to one that has nothing to do, and to one whose vCPUs have had more of their shares.
 *
 * Tasks are not preempted: one runs until it waits, yields or exits. An interrupt that wakes a task
 * of a better class sets a flag that task_should_yield() reports; vCPU loops look at it before each
 * VM entry, so a running guest never delays a driver by more than one VM exit.
 *
 * vCPU tasks share their pCPU in proportion to their weights (sched.h) and may have a limit of run
 * time in common: who has used it up waits in task_yield() until there is more.
 *
 * Waiting is by a wake token (a binary semaphore in each task): task_wake() leaves the token,
 * task_wait() consumes it or blocks until it comes. A wake-up is therefore never lost; callers loop
 * on their condition.
 */
#ifndef SOCLE_KERN_TASK_H
#define SOCLE_KERN_TASK_H

#include "core/kern/cpu_limit.h"
#include "core/kern/fair_queue.h"
#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/time_stats.h"
#include "core/lib/types.h"
#include "core/x86/cpu_mask.h"

enum task_class { TASK_DRIVER, TASK_AGENT, TASK_VCPU, TASK_CLASS_COUNT };

enum task_state { TASK_NEW, TASK_RUNNABLE, TASK_RUNNING, TASK_WAITING, TASK_EXITED };

#define TASK_NAME_MAX 24

/* What a vCPU may take of the machine. */
struct cpu_share {
    struct cpu_mask allowed; /* pCPUs; at least one of them is online */
    u32 weight;              /* FAIR_WEIGHT_MIN..FAIR_WEIGHT_MAX */
    u32 node;                /* of pCPUs with equal load those of this NUMA node come first */
    bool is_exclusive;       /* those pCPUs are reserved, for it */
    struct cpu_limit *limit; /* borrowed until the task is joined; may be off */
};

struct task {
    char name[TASK_NAME_MAX]; /* (c)onst after task_start */
    enum task_class class;    /* (c) */
    u32 pcpu; /* (a) the pCPU it belongs to; changes under the run-queue lock of the old one,
 not while it runs */
    struct cpu_mask allowed;   /* (c) vCPUs: where it may go */
    u32 node;                  /* (c) vCPUs: where it goes if loads are equal */
    bool is_exclusive;         /* (c) vCPUs: to reserved pCPUs, not to others */
    void (*entry)(void *arg);  /* (c) */
    void *arg;                 /* (c) */
    void *stack;               /* (c) lowest usable address */
    u64 saved_rsp;             /* run-queue lock */
    enum task_state state;     /* run-queue lock */
    bool wake_token;           /* run-queue lock */
    u64 run_ns;                /* run-queue lock: time spent running */
    u64 wait_ns;               /* run-queue lock: time spent ready, but not running */
    u64 limited_ns;            /* (o)wner: time spent waiting for its limit, wait_ns not included */
    u64 since_ns;              /* run-queue lock: what run_ns or wait_ns does not count yet */
    struct fair_node share;    /* run-queue lock; vCPUs only */
    u32 load;                  /* run-queue lock: what the queue's load counts of it */
    bool is_woken;             /* run-queue lock: ready because it was woken */
    struct time_stats wakeups; /* run-queue lock: from being woken to running */
    struct cpu_limit *limit;   /* (c) or NULL */
    u64 taken_ns;              /* run-queue lock: of the limit, to be settled */
    struct list link;          /* run queue or none; run-queue lock */
    struct task *joiner;       /* run-queue lock: task waiting in task_join */
};

/*
 * Gives the task a stack and makes it runnable on the pCPU. The caller owns the struct, zeroed,
 * until task_join returns. Context: task. Return: 0, -ENOMEM, -EINVAL (no such pCPU).
 */
int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg) must_check;

/* As task_start, of class TASK_VCPU, on the least loaded of the pCPUs allowed. */
int task_start_vcpu(struct task *task, const char *name, const struct cpu_share *share,
                    void (*entry)(void *arg), void *arg) must_check;

/*
 * From now on only vCPUs with is_exclusive run on that pCPU, beside tasks of better classes; others
 * leave it at their next VM exit. Or no longer so, when the exclusive ones have been joined. Every
 * vCPU there is must be allowed another pCPU that is not reserved. Context: any.
 */
void task_reserve_pcpu(u32 pcpu, bool reserve);

/* The pCPU the task runs on, if it runs. Context: any; it may move at any time it does not run. */
static inline u32 task_pcpu(const struct task *task)
{
    return __atomic_load_n(&task->pcpu, __ATOMIC_SEQ_CST);
}

/* Waits until the task has left its entry function, then frees its stack. Context: another task. */
void task_join(struct task *task);

/* True once the task's entry function has returned and task_join will not block. Context: any. */
bool task_has_exited(const struct task *task);

/* Leaves the wake token and makes the task runnable. Context: any, interrupt included. */
void task_wake(struct task *task);

/* Where a task's time went since it was started. */
struct task_times {
    u64 run_ns;
    u64 wait_ns;    /* ready, but another ran */
    u64 limited_ns; /* its limit was used up */
};

/* Up to now, but for a wait for the limit that is not over. Context: any. */
struct task_times task_times(const struct task *task);

/* Gives a vCPU's task another weight. Context: any. */
void task_set_weight(struct task *task, u32 weight);

/* The task's limit has been set anew: if it runs it looks at it, if it waits, for the limit or
 * anything else, it is woken. Context: any. */
void task_limit_changed(struct task *task);

/* Consumes the wake token, blocking until there is one. Context: task, no lock held. */
void task_wait(void);

/* As task_wait, but returns at the deadline (ns since boot) too. Return: true if woken, false if
 * timed out. */
bool task_wait_until(u64 deadline_ns);

/*
 * Lets other runnable tasks of the same or a better class run first. If the task's limit is used up
 * it waits until there is more of it, or for the wake token, which it consumes then.
 * Context: task, no lock held.
 */
void task_yield(void);

/*
 * The running vCPU cannot go on before another one of its VM has run, it seems. If that one waits
 * for a pCPU it comes here and swaps places with the running one, which should yield then. What
 * others are due is not touched. Context: vCPU task, no lock held. Return: false if the other one
 * runs, sleeps, or may not run here.
 */
bool task_let_pass(struct task *other);

/* True if other vCPUs wait for this pCPU. Context: any; may be outdated at once. */
bool task_others_wait(void);

/* True if task_yield() would run something else of a better class, or the time slice is over. */
bool task_should_yield(void);

/* The running task; NULL only in early boot. */
struct task *task_current(void);

#endif
