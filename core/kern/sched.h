/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's choice, pure: which ready task of a pCPU runs next.
 *
 * Classes are strict (driver before agent before vCPU) but patient only for a while: after
 * SCHED_PATIENCE picks that passed over a waiting lower class, the best of the classes passed over
 * runs once, so that a flood of packets cannot shut out the management agent. Round robin inside
 * the classes of drivers and agents; vCPUs share by weight (fair_queue.h).
 */
#ifndef SOCLE_KERN_SCHED_H
#define SOCLE_KERN_SCHED_H

#include "core/kern/fair_queue.h"
#include "core/kern/task.h"
#include "core/lib/list.h"

#define SCHED_PATIENCE 16

/* How long a vCPU runs while others wait, and what one that slept is given in advance. */
#define SCHED_SLICE_NS (5 * NS_PER_MS)

/* How far a vCPU that wakes must be behind the running one, in run time, to end its slice early. */
#define SCHED_GRANULARITY_NS (500 * NS_PER_US)

struct sched_queue {
    struct list ready[TASK_VCPU]; /* the classes better than vCPUs */
    struct fair_queue vcpus;
    u32 passed_over[TASK_CLASS_COUNT]; /* picks since the class last ran, while it had tasks waiting
                                        */
};

void sched_init(struct sched_queue *q);

/* Waiting vCPUs that are looked at for one that may move to another pCPU. */
#define SCHED_PULL_TRIES 4

/* How far, in its own run time, a waiting vCPU must be behind all on another pCPU to be moved there
 * from a pCPU that is busy as well; and how far if its memory is on another NUMA node than that
 * pCPU. Below FAIR_CAP_NS, so that moving takes nothing away from it. */
#define SCHED_LAG_NS     (20 * NS_PER_MS)
#define SCHED_FAR_LAG_NS (60 * NS_PER_MS)

/* Who waits and is first, as a copy that outlives the queue's lock: its virtual time is on the
 * common scale. */
struct sched_first {
    struct fair_node share;
    struct cpu_mask allowed;
};

/* Where a waiting vCPU may go. */
struct sched_target {
    u32 pcpu;
    u32 node;
    bool is_busy; /* vCPUs are ready or run there, and this is the least of their virtual times */
    u64 least;    /* on the common scale */
};

/* A new task belongs to the queue, before its first sched_wake there. */
void sched_join(const struct sched_queue *q, struct task *task);

/* A task ceases to belong to the queue, not being ready there; and belongs to another one from then
 * on. is_idle: no vCPU is ready or runs there. */
void sched_leave(const struct sched_queue *q, struct task *task);
void sched_enter(struct sched_queue *q, struct task *task, bool is_idle);

/* Return: false if no vCPU waits. */
bool sched_first(const struct sched_queue *q, struct sched_first *out);

/* The least virtual time of who waits here or runs (a task of any class). Not the clock: one that
 * has come from elsewhere may be behind that, and counts until it has caught up. Return: false if
 * there is no vCPU. */
bool sched_least(const struct sched_queue *q, const struct task *running, u64 *out);

/* Forgets what the queue is behind one that waits elsewhere, and could come here, beyond the cap.
 * running: a task of any class. */
void sched_forget(struct sched_queue *q, const struct task *running,
                  const struct sched_first *elsewhere);

/* Accounts run time to the task that runs (of any class), and moves virtual time on. */
void sched_charge(struct sched_queue *q, struct task *running, u64 ran_ns);

/* A task that ran is ready to run again. */
void sched_add(struct sched_queue *q, struct task *task);

/* A task that slept is ready. sched_charge has been called for the running task. Return: true if it
 * should run instead of that at the next opportunity. */
bool sched_wake(struct sched_queue *q, struct task *task, const struct task *running);

/* Takes the next task out of the queue. Return: NULL if none is ready. */
struct task *sched_pick(struct sched_queue *q);

/*
 * Takes out the vCPU with the least virtual time that may go to the target, among the first
 * SCHED_PULL_TRIES: if that is busy, only one that has fallen behind those there. It no longer
 * belongs to the queue. Return: NULL if there is none.
 */
struct task *sched_pull(struct sched_queue *q, const struct sched_target *target);

/* Takes out a vCPU. Return: false if it does not wait there. */
bool sched_take(struct sched_queue *q, struct task *task);

/* The running vCPU lets one that waits in the queue have its place, and takes that one's, if that
 * is the later one. Both have the same weight. */
void sched_let_pass(struct sched_queue *q, struct task *running, struct task *task);

/* True if a task of this class would have to wait behind what is ready now. */
bool sched_has_same_or_better(const struct sched_queue *q, enum task_class class);

#endif
