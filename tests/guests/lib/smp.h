/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a micro-guest's other CPUs. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "tests/guests/lib/guest.h"

#define CPUS_MAX 64u

#define PATIENCE 2000000000ull /* TSC ticks after which what should happen has not */

/* CPUs of this machine, as CPUID tells. */
u32 cpu_count(void);

/* The APIC ID of the CPU that asks, in xAPIC mode. */
u32 my_id(void);

/* Waits until the word has reached the value; a FAILURE verdict if that takes too long. */
void wait_for(const volatile u32 *word, u32 value);

/* Counts, by CPU, interrupts of this vector and NMIs from now on. */
void count_interrupts(u8 vector);
extern volatile u32 ipis[CPUS_MAX], nmis[CPUS_MAX];

/* ICR writes in xAPIC mode: to one APIC ID. */
void send_ipi(u32 id, u32 low);

#define ICR_INIT 0x4500u
#define ICR_SIPI 0x4600u /* + page */
#define ICR_NMI  0x4400u

/* Makes ready what cpu_start needs; once, on the boot CPU, in xAPIC mode. */
void cpus_prepare(void);

/* The beginning of guests that ask about several CPUs: interrupts by the APIC, cpus_prepare. Ends
 * with a SKIP verdict if there is one CPU. Return: how many there are. */
u32 cpus_begin(void);

/* Sends INIT and a start-up IPI; the CPU calls fn on a stack of its own, in long mode, with this
 * one's IDT and interrupts off. Returns when it does. fn never returns. */
void cpu_start(u32 id, void (*fn)(void));

/* The page that start-up IPIs name. */
#define TRAMPOLINE_PAGE 8u

#endif
