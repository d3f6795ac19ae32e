/* SPDX-License-Identifier: BSD-2-Clause */
/* Other CPUs for a micro-guest. */
#ifndef GUEST_AP_H
#define GUEST_AP_H

#include "tests/guests/lib/guest.h"

#define AP_MAX 64u

/*
 * INIT and start-up IPI to the CPU with this APIC ID, not the boot CPU's: entry runs there in long
 * mode with the caller's traps, its local APIC on, interrupts off, and must not return. One after
 * the other: wait for a sign of life before starting the next.
 */
void ap_start(u32 id, void (*entry)(void));

#endif
