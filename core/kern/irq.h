/* SPDX-License-Identifier: BSD-2-Clause */
/* Host interrupts of devices: vectors for messages, and lines that devices share. */
#ifndef SOCLE_KERN_IRQ_H
#define SOCLE_KERN_IRQ_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/*
 * Runs with interrupts off: silences and acknowledges the device, leaves a note, wakes a task;
 * nothing else. Return: true if its device had raised the interrupt (others may share the line).
 */
typedef bool (*irq_handler)(void *arg);

/*
 * Reserves a vector on pCPU `pcpu`. Out: *vector (0x30–0xef) and *apic_id, for an MSI message.
 * Context: task. Return: 0, -ENOSPC.
 */
int irq_alloc(u32 pcpu, irq_handler handler, void *arg, u8 *vector, u32 *apic_id) must_check;

/* Gives the vector back. The device must no longer raise it. Context: task. */
void irq_free(u32 pcpu, u8 vector);

/* An interrupt line: a pin of an IOAPIC, by its global system interrupt. */
struct irq_line {
    u32 gsi;
    bool is_level;
    bool is_active_low;
};

/*
 * Calls the handler for interrupts of the line, after those attached before: devices may share it.
 * They go to pCPU 0. A line on which interrupts keep coming that no handler claims is turned off.
 * Context: boot, or a task on pCPU 0.
 * Return: 0; -ENODEV (no IOAPIC has it), -EBUSY (in use with another trigger), -ENOSPC, -ERANGE.
 */
int irq_line_attach(const struct irq_line *line, irq_handler handler, void *arg) must_check;

/* Undoes it; the device no longer raises the line. Context: as irq_line_attach. */
void irq_line_detach(u32 gsi, irq_handler handler, void *arg);

#endif
