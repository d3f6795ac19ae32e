/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's local APIC, through memory (xAPIC) or MSRs (x2APIC), and its timer. */
#ifndef SOCLE_X86_LAPIC_H
#define SOCLE_X86_LAPIC_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * Chooses the mode. Out: *registers, the physical page the caller must map and give to
 * lapic_set_registers; 0 in x2APIC mode. Context: boot CPU. Return: 0, -ENODEV (no APIC).
 */
int lapic_init(u64 *registers) must_check;
void lapic_set_registers(volatile void *page);

/* Enables the calling CPU's APIC and timer. */
void lapic_cpu_enable(void);

u32 lapic_id(void);
void lapic_eoi(void);

/* Sends a fixed interrupt. Context: any. */
void lapic_send(u32 apic_id, u8 vector);

/* NMI to all other CPUs, for panics. */
void lapic_nmi_others(void);

/* Start-up sequence pieces. Spec: SDM vol. 3 "MP Initialization Protocol Algorithm". */
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u8 page);

/* Measures the APIC timer's rate where there is no TSC deadline. Context: boot CPU, after tsc_init.
 */
void lapic_timer_calibrate(void);

/* Asks for VECTOR_TIMER at the TSC value; the past fires at once. Context: interrupts off. */
void lapic_timer_set(u64 tsc);
void lapic_timer_stop(void);

#endif
