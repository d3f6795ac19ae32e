/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's IOAPICs, addressed by global system interrupt (GSI). Every pin is masked until
 * somebody routes and unmasks it. Spec: 82093AA IOAPIC datasheet.
 */
#ifndef SOCLE_X86_IOAPIC_H
#define SOCLE_X86_IOAPIC_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define IOAPICS_MAX  32 /* large servers have one for each PCI root */
#define IOAPIC_BYTES 32 /* of registers */

/* Where a pin's interrupt goes, and what raises it. */
struct ioapic_route {
    u8 vector;
    u32 apic_id;
    bool is_level;
    bool is_active_low;
};

/*
 * Takes an IOAPIC into use and masks all its pins. registers: IOAPIC_BYTES, mapped uncached.
 * Context: boot. Return: 0, -ENODEV (nothing answers there), -ENOSPC (more than IOAPICS_MAX).
 */
int ioapic_add(volatile void *registers, u32 gsi_base) must_check;

/*
 * Sets a pin and leaves it masked. Context: any.
 * Return: 0, -ENODEV (no IOAPIC has this GSI), -ERANGE (the APIC ID needs interrupt remapping).
 */
int ioapic_set_route(u32 gsi, const struct ioapic_route *route) must_check;

/* Context: any; the pin has been routed. */
void ioapic_mask(u32 gsi);
void ioapic_unmask(u32 gsi);

#endif
