/* SPDX-License-Identifier: BSD-2-Clause */
/* How configuration space is reached; shared by pci.c and its two access methods. */
#ifndef SOCLE_PCI_ROOT_H
#define SOCLE_PCI_ROOT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci.h"

/* A range of buses reached in one way; constant once pci_scan() has set it up. */
struct pci_root {
    const char *name;
    u32 (*read)(const struct pci_device *dev, u16 offset, unsigned bytes);
    void (*write)(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value);
    volatile u8 *window; /* ECAM: first_bus and on */
    u16 segment;
    u8 first_bus, last_bus;
};

/*
 * Memory window. Spec: PCI Express Base "Enhanced Configuration Access Mechanism (ECAM)".
 * Return: 0, -ENOMEM.
 */
int pci_ecam_init(struct pci_root *root, const struct acpi_ecam *ecam) must_check;

/*
 * Ports CF8h and CFCh. Spec: PCI Local Bus 3.0 "Configuration Mechanism".
 * Return: 0, -ENODEV (the ports do not answer).
 */
int pci_cf8_init(struct pci_root *root) must_check;

/* What CF8h must hold to reach the doubleword of offset (below 256) through CFCh. */
static inline u32 pci_cf8_address(u8 bus, u8 slot, u8 function, u16 offset)
{
    return 0x80000000u | ((u32)bus << 16) | ((u32)slot << 11) | ((u32)function << 8) |
           (offset & 0xfcu);
}

#endif
