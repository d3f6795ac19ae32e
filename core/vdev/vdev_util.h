/* SPDX-License-Identifier: BSD-2-Clause */
/* What several emulated devices need: answers to accesses they do not decode, and clocks counted in
 * ticks. */
#ifndef SOCLE_VDEV_UTIL_H
#define SOCLE_VDEV_UTIL_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Interval timers of a guest never run faster on the host than this, whatever the guest programs.
 */
#define VDEV_MIN_PERIOD_NS (100 * NS_PER_US)

/* A deadline that never comes. */
#define VDEV_NEVER_NS UINT64_MAX

/* What a bus read gives when nobody drives the bus. */
static inline u64 vdev_ones(unsigned size)
{
    return size >= sizeof(u64) ? ~0ull : BIT(size * 8) - 1;
}

/* Full ticks of a clock within a span of time; in two parts, so that no product overflows. */
static inline u64 vdev_ticks_from_ns(u64 ns, u64 hz)
{
    return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

/* The time that many ticks take, rounded up, so that a deadline is never early. */
static inline u64 vdev_ns_from_ticks(u64 ticks, u64 hz)
{
    return ticks / hz * NS_PER_S + (ticks % hz * NS_PER_S + hz - 1) / hz;
}

/*
 * The first deadline after now on the grid deadline, deadline + period, …: missed ones are dropped,
 * the phase is kept. period_ns > 0.
 */
static inline u64 vdev_next_period(u64 deadline_ns, u64 period_ns, u64 now_ns)
{
    if (now_ns < deadline_ns)
        return deadline_ns;
    return deadline_ns + ((now_ns - deadline_ns) / period_ns + 1) * period_ns;
}

#endif
