/* SPDX-License-Identifier: BSD-2-Clause */
/* Time for unit tests: stands still until a test moves it, and then fires timers in the order of
 * their deadlines. */
#ifndef SOCLE_FAKES_TIMER_H
#define SOCLE_FAKES_TIMER_H

#include "core/kern/timer.h"

/* Sets the clock and forgets all timers. */
void fake_time_set(u64 ns);

/* Lets time pass; timers fire at their deadlines, time_ns() shows it. */
void fake_time_advance(u64 ns);

/* As above, but the host was late: all timers due fire at the end only. */
void fake_time_advance_late(u64 ns);

/* Callbacks run since fake_time_set. */
u64 fake_timer_fired(void);

/* The guest's and the host's TSC tick at this rate. */
#define FAKE_TSC_HZ 2000000000ull

#endif
