/* SPDX-License-Identifier: BSD-2-Clause */
/* The time-stamp counter as the host's clock. */
#ifndef SOCLE_X86_TSC_H
#define SOCLE_X86_TSC_H

#include "core/lib/types.h"
#include "core/x86/insn.h"

/*
 * Measures the TSC's rate against the ACPI PM timer (pm_timer_port, 0: none) or the PIT, for a few
 * milliseconds, and makes its present value time zero. Context: boot CPU, interrupts off.
 */
void tsc_init(u16 pm_timer_port);

u64 tsc_hz(void);

/* The counter itself; pure modules take it from here so that tests can replace it. */
static inline u64 tsc_read(void)
{
    return rdtsc();
}

/* TSC at time zero of time_ns(). */
u64 tsc_boot(void);

/* Conversions of intervals; exact to 2^-32, valid for centuries. */
u64 tsc_to_ns(u64 ticks);
u64 tsc_from_ns(u64 ns);

/* Spins. Context: boot only. */
void tsc_delay_us(u64 us);

#endif
