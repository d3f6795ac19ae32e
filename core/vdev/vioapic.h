/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOAPIC with 24 pins and an EOI register (version 0x20).
 *
 * All functions expect the lock of struct virq. Spec: Intel 82093AA I/O APIC datasheet
 * (290566-001); the EOI register is that of the ICH chipsets ("I/O APIC EOI Register").
 */
#ifndef SOCLE_VDEV_VIOAPIC_H
#define SOCLE_VDEV_VIOAPIC_H

#include "core/lib/types.h"
#include "core/vm/vdev.h"

#define IOAPIC_PIN_COUNT 24u

struct vioapic {
    struct vdev dev;
    u32 select; /* IOREGSEL */
    u32 id;     /* bits 27-24 */
    u32 levels; /* one bit per pin: the line is high */
    u64 redirect[IOAPIC_PIN_COUNT];
};

void vioapic_power_on(struct vioapic *ioapic);
void vioapic_set_pin(struct vioapic *ioapic, unsigned pin, bool level);
void vioapic_eoi(struct vioapic *ioapic, u8 vector);

/* The register window; offset within the page, 32 bits. */
u32 vioapic_read(struct vioapic *ioapic, u64 offset);
void vioapic_write(struct vioapic *ioapic, u64 offset, u32 value);

#endif
