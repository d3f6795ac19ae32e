/* SPDX-License-Identifier: BSD-2-Clause */
/* An ordered queue of timers, pure. A few dozen timers per pCPU: a sorted list is the fastest. */
#ifndef SOCLE_KERN_TIMERQ_H
#define SOCLE_KERN_TIMERQ_H

#include "core/kern/timer.h"

#define TIMERQ_NEVER (~0ull)

struct timerq {
    struct list head; /* by deadline; equal ones in the order of arrival */
};

void timerq_init(struct timerq *q);

/* The timer must not be in a queue. */
void timerq_insert(struct timerq *q, struct timer *t);
void timerq_remove(struct timerq *q, struct timer *t);

/* Takes out the first timer whose deadline has come; NULL if none has. */
struct timer *timerq_pop_due(struct timerq *q, u64 now_ns);

/* Return: the earliest deadline, or TIMERQ_NEVER. */
u64 timerq_next(const struct timerq *q);

#endif
