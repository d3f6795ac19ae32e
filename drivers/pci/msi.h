/* SPDX-License-Identifier: BSD-2-Clause */
/* Message-signalled interrupts. Spec: PCI Local Bus 3.0 "MSI and MSI-X". */
#ifndef SOCLE_PCI_MSI_H
#define SOCLE_PCI_MSI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/pci/pci.h"

/*
 * Directs the device's one MSI message to a vector on the CPU with this local APIC ID (irq_alloc
 * gives both). Return: 0, -ENODEV (no MSI capability), -ERANGE (the APIC ID needs interrupt
 * remapping).
 */
int msi_enable(const struct pci_device *dev, u8 vector, u32 apic_id) must_check;

/* Turns it off again. */
void msi_disable(const struct pci_device *dev);

/* As msi_enable, for one entry of the MSI-X table; turns MSI-X on. Return: 0, -ENODEV, -EINVAL (no
 * such entry), -ERANGE. */
int msix_enable(const struct pci_device *dev, u16 entry, u8 vector, u32 apic_id) must_check;

/* Turns MSI-X off again. */
void msix_disable(const struct pci_device *dev);

#endif
