/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler's choice, pure: which ready task of a pCPU runs next.
 *
 * Classes are strict (driver before agent before vCPU) but patient only for a while: after
 * SCHED_PATIENCE picks that passed over a waiting lower class, the best of the classes passed over
 * runs once, so that a flood of packets cannot shut out the management agent. Round robin inside a
 * class.
 */
#ifndef SOCLE_KERN_SCHED_H
#define SOCLE_KERN_SCHED_H

#include "core/kern/task.h"
#include "core/lib/list.h"

#define SCHED_PATIENCE 16

struct sched_queue {
    struct list ready[TASK_CLASS_COUNT];
    u32 passed_over[TASK_CLASS_COUNT]; /* picks since the class last ran, while it had tasks waiting
                                        */
};

void sched_init(struct sched_queue *q);
void sched_add(struct sched_queue *q, struct task *task);

/* Takes the next task out of the queue. Return: NULL if none is ready. */
struct task *sched_pick(struct sched_queue *q);

/* True if a task of this class would have to wait behind what is ready now. */
bool sched_has_same_or_better(const struct sched_queue *q, enum task_class class);

#endif
