/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines of a VM's board: devices raise numbered lines (GSIs), the PIC and the IOAPIC see
 * them.
 *
 * Lines 0–15 reach both; ISA line 0 (PIT) reaches IOAPIC pin 2, as on real boards and as the MADT
 * says.
 */
#ifndef SOCLE_VDEV_VIRQ_H
#define SOCLE_VDEV_VIRQ_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct vm;

/* Sets the level of an ISA line 0–15 (or GSI 16–23). Context: any, irqsave locks only. */
void virq_set(struct vm *vm, unsigned line, bool level);

/* Raises and lowers it: one edge. */
void virq_pulse(struct vm *vm, unsigned line);

#endif
