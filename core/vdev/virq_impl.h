/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the interrupt lines: what PIC, IOAPIC and local APICs share.
 *
 * One lock (rank LOCK_IRQCHIP) protects both chips, because a line reaches both and an EOI may
 * raise again.
 */
#ifndef SOCLE_VDEV_VIRQ_IMPL_H
#define SOCLE_VDEV_VIRQ_IMPL_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vm/vdev.h"

struct vpic;
struct vioapic;

struct virq {
    struct vdev dev;
    struct spinlock lock;   /* LOCK_IRQCHIP, irqsave: both chips and everything below */
    struct vpic *pic;       /* (c) once built */
    struct vioapic *ioapic; /* (c) once built */
    bool pic_output;        /* level of the master PIC's INT pin, as LINT0 last saw it */
};

/* The VM's lines, made on first use. Context: builder. Return: NULL if there is no memory. */
struct virq *virq_get(struct vm *vm) must_check;

/* The PIC's output may have changed. Context: lock held. */
void virq_pic_changed(struct virq *virq);

/* The vector the PIC would give now, without taking it. Context: vCPU task. */
u8 virq_pic_peek(struct vm *vm);

/* Interrupt-acknowledge cycle. Context: vCPU task. Return: the vector, spurious ones included. */
u8 virq_pic_acknowledge(struct vm *vm);

/* A local APIC has ended a level-triggered interrupt. Context: vCPU task. */
void virq_eoi(struct vm *vm, u8 vector);

#endif
