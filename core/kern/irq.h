/* SPDX-License-Identifier: BSD-2-Clause */
/* Host interrupt vectors for devices: allocation and dispatch. */
#ifndef SOCLE_KERN_IRQ_H
#define SOCLE_KERN_IRQ_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Runs with interrupts off: acknowledges the device, leaves a note, wakes a task; nothing else. */
typedef void (*irq_handler)(void *arg);

/*
 * Reserves a vector on pCPU `pcpu`. Out: *vector (0x30–0xef) and *apic_id, for an MSI message.
 * Context: task. Return: 0, -ENOSPC.
 */
int irq_alloc(u32 pcpu, irq_handler handler, void *arg, u8 *vector, u32 *apic_id) must_check;

/* Gives the vector back. The device must no longer raise it. Context: task. */
void irq_free(u32 pcpu, u8 vector);

#endif
