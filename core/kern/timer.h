/* SPDX-License-Identifier: BSD-2-Clause */
/* One-shot timers on the clock "nanoseconds since boot", ordered per pCPU, driven by the local
 * APIC. */
#ifndef SOCLE_KERN_TIMER_H
#define SOCLE_KERN_TIMER_H

#include "core/lib/list.h"
#include "core/lib/types.h"

struct timer {
    struct list link; /* queue lock of pcpu */
    u64 deadline_ns;
    void (*fn)(void *arg);
    void *arg;
    u32 pcpu;   /* whose queue it is in */
    bool armed; /* in a queue */
};

/* Nanoseconds since boot; monotonic over all pCPUs. Context: any. */
u64 time_ns(void);

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg);

/*
 * Arms (or re-arms) the timer on the calling pCPU. fn runs there once, in interrupt context, at or
 * after the deadline; it may arm the timer again. A deadline in the past fires at once. Context:
 * any.
 */
void timer_arm(struct timer *t, u64 deadline_ns);

/*
 * After return the timer is not armed and its callback is not running on another pCPU.
 * Context: any; no lock may be held that the callback takes.
 */
void timer_cancel(struct timer *t);

#endif
