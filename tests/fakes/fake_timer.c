/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's timers and TSC conversions on a clock that tests move. */
#include "tests/fakes/fake_timer.h"

#include "core/lib/compiler.h"
#include "core/x86/tsc.h"

static struct list armed = LIST_INIT(armed);
static u64 now;
static u64 fired;

u64 time_ns(void)
{
    return now;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg};
    list_init(&t->link);
}

void timer_cancel(struct timer *t)
{
    list_remove(&t->link);
    t->armed = false;
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
    timer_cancel(t);
    t->deadline_ns = deadline_ns;
    t->armed = true;
    list_push_back(&armed, &t->link);
}

static struct timer *first_due(u64 until)
{
    struct timer *first = NULL;

    list_for_each(pos, &armed)
    {
        struct timer *t = list_entry(pos, struct timer, link);

        if (t->deadline_ns <= until && (!first || t->deadline_ns < first->deadline_ns))
            first = t;
    }
    return first;
}

static void fire(struct timer *t)
{
    timer_cancel(t);
    fired++;
    t->fn(t->arg);
}

void fake_time_set(u64 ns)
{
    now = ns;
    fired = 0;
    list_init(&armed);
}

void fake_time_advance(u64 ns)
{
    u64 until = now + ns;
    struct timer *t;

    while ((t = first_due(until)) != NULL) {
        now = MAX(now, t->deadline_ns);
        fire(t);
    }
    now = until;
}

void fake_time_advance_late(u64 ns)
{
    struct timer *t;

    now += ns;
    while ((t = first_due(now)) != NULL)
        fire(t);
}

u64 fake_timer_fired(void)
{
    return fired;
}

u64 tsc_hz(void)
{
    return FAKE_TSC_HZ;
}

u64 tsc_boot(void)
{
    return 0;
}

u64 tsc_to_ns(u64 ticks)
{
    return ticks / (FAKE_TSC_HZ / NS_PER_S);
}

u64 tsc_from_ns(u64 ns)
{
    return ns * (FAKE_TSC_HZ / NS_PER_S);
}
