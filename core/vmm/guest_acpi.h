/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables of the guest's board (guest_layout.h), as bytes. */
#ifndef SOCLE_VMM_GUEST_ACPI_H
#define SOCLE_VMM_GUEST_ACPI_H

#include "core/lib/types.h"

#define GUEST_ACPI_TABLES_MAX 8192u

/* In what boards differ. */
struct guest_acpi {
    u32 cpu_count;
    u64 pci_mem64;     /* PCI's window above RAM */
    u32 hotplug_slots; /* a bit per slot of the PCI bus that something can come into, or leave */
};

/*
 * Builds RSDP (at the start), XSDT, FADT, FACS, DSDT, MADT and MCFG for tables that will lie at
 * guest-physical `base`. buf: GUEST_ACPI_TABLES_MAX bytes, enough for 255 CPUs. Return: bytes used.
 * Spec: ACPI 6.4, 5.2 "ACPI System Description Tables".
 */
size_t guest_acpi_build(u8 *buf, u64 base, const struct guest_acpi *board);

#endif
