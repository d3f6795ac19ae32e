/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-pCPU timer queues on the local APIC's one-shot timer. */
#include "core/kern/timer.h"

#include "core/config.h"
#include "core/kern/kern.h"
#include "core/kern/timerq.h"
#include "core/x86/lapic.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"
#include "core/x86/tsc.h"

struct cpu_timers {
    struct spinlock lock;
    struct timerq queue;   /* lock */
    struct timer *running; /* lock: whose callback runs now */
    u64 programmed_ns;     /* (o) what the APIC timer is set to */
};

static struct cpu_timers timers[PCPUS_MAX];

u64 time_ns(void)
{
    return tsc_to_ns(rdtsc() - tsc_boot());
}

void timer_cpu_init(void)
{
    struct cpu_timers *ct = &timers[this_pcpu()->id];

    spin_init(&ct->lock, "timers", LOCK_TIMER);
    timerq_init(&ct->queue);
    ct->programmed_ns = TIMERQ_NEVER;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg};
    list_init(&t->link);
}

/* Context: interrupts off, lock held, own CPU. */
static void program(struct cpu_timers *ct)
{
    u64 next = timerq_next(&ct->queue);

    if (next == ct->programmed_ns)
        return;
    ct->programmed_ns = next;
    if (next == TIMERQ_NEVER)
        lapic_timer_stop();
    else
        lapic_timer_set(tsc_boot() + tsc_from_ns(next));
}

/* Takes the timer out of whatever queue it is in; its pcpu member changes only under that queue's
 * lock. */
static void unqueue(struct timer *t)
{
    struct cpu_timers *ct = &timers[__atomic_load_n(&t->pcpu, __ATOMIC_RELAXED)];
    u64 flags = spin_lock_irqsave(&ct->lock);

    if (t->armed)
        timerq_remove(&ct->queue, t);
    spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
    struct cpu_timers *ct;
    u64 flags;

    unqueue(t);
    flags = irq_save();
    ct = &timers[this_pcpu()->id];
    spin_lock(&ct->lock);
    t->deadline_ns = deadline_ns;
    t->pcpu = this_pcpu()->id;
    timerq_insert(&ct->queue, t);
    program(ct);
    spin_unlock_irqrestore(&ct->lock, flags);
}

void timer_cancel(struct timer *t)
{
    for (;;) {
        struct cpu_timers *ct = &timers[__atomic_load_n(&t->pcpu, __ATOMIC_RELAXED)];
        u64 flags = spin_lock_irqsave(&ct->lock);
        bool busy;

        if (t->armed)
            timerq_remove(&ct->queue, t);
        /* On its own CPU the callback cannot be half-way: it runs with interrupts off. */
        busy = ct->running == t && ct != &timers[this_pcpu()->id];
        spin_unlock_irqrestore(&ct->lock, flags);
        if (!busy)
            return;
        cpu_pause();
    }
}

void timer_interrupt(void)
{
    struct cpu_timers *ct = &timers[this_pcpu()->id];
    struct timer *t;

    spin_lock(&ct->lock);
    ct->programmed_ns = TIMERQ_NEVER;
    while ((t = timerq_pop_due(&ct->queue, time_ns())) != NULL) {
        ct->running = t;
        spin_unlock(&ct->lock);
        t->fn(t->arg);
        spin_lock(&ct->lock);
        ct->running = NULL;
    }
    program(ct);
    spin_unlock(&ct->lock);
}
