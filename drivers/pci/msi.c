/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs MSI and MSI-X. */
#include "drivers/pci/msi.h"

#include "core/lib/errno.h"

/* Spec: SDM vol. 3 "Message Signalled Interrupts": fixed delivery, edge, physical destination. */
#define MESSAGE_ADDRESS(apic_id) (0xfee00000u | ((apic_id) << 12))
#define APIC_ID_MAX              255u

#define MSI_CONTROL        2u
#define MSI_ADDRESS        4u
#define MSI_DATA_32        8u
#define MSI_ADDRESS_HIGH   8u
#define MSI_DATA_64        12u
#define MSI_CONTROL_ENABLE 0x0001u
#define MSI_CONTROL_MULTI  0x0070u
#define MSI_CONTROL_64     0x0080u

#define MSIX_CONTROL          2u
#define MSIX_TABLE            4u
#define MSIX_CONTROL_SIZE     0x07ffu
#define MSIX_CONTROL_MASK_ALL 0x4000u
#define MSIX_CONTROL_ENABLE   0x8000u
#define MSIX_BIR              0x7u
#define MSIX_ENTRY_WORDS      4u

int msi_enable(const struct pci_device *dev, u8 vector, u32 apic_id)
{
    u16 cap = pci_capability(dev, PCI_CAP_MSI);
    u32 control;

    if (cap == 0)
        return -ENODEV;
    if (apic_id > APIC_ID_MAX)
        return -ERANGE;
    control = pci_read(dev, (u16)(cap + MSI_CONTROL), 2);
    pci_write(dev, (u16)(cap + MSI_ADDRESS), 4, MESSAGE_ADDRESS(apic_id));
    if ((control & MSI_CONTROL_64) != 0) {
        pci_write(dev, (u16)(cap + MSI_ADDRESS_HIGH), 4, 0);
        pci_write(dev, (u16)(cap + MSI_DATA_64), 2, vector);
    } else {
        pci_write(dev, (u16)(cap + MSI_DATA_32), 2, vector);
    }
    pci_write(dev, (u16)(cap + MSI_CONTROL), 2,
              (control & ~MSI_CONTROL_MULTI) | MSI_CONTROL_ENABLE);
    return 0;
}

void msi_disable(const struct pci_device *dev)
{
    u16 cap = pci_capability(dev, PCI_CAP_MSI);
    u32 control;

    if (cap == 0)
        return;
    control = pci_read(dev, (u16)(cap + MSI_CONTROL), 2);
    pci_write(dev, (u16)(cap + MSI_CONTROL), 2, control & ~MSI_CONTROL_ENABLE);
}

int msix_enable(const struct pci_device *dev, u16 entry, u8 vector, u32 apic_id)
{
    u16 cap = pci_capability(dev, PCI_CAP_MSIX);
    u32 control, where;
    volatile u32 *table;
    volatile u8 *bar;

    if (cap == 0)
        return -ENODEV;
    if (apic_id > APIC_ID_MAX)
        return -ERANGE;
    control = pci_read(dev, (u16)(cap + MSIX_CONTROL), 2);
    where = pci_read(dev, (u16)(cap + MSIX_TABLE), 4);
    if (entry > (control & MSIX_CONTROL_SIZE))
        return -EINVAL;
    bar = pci_map_bar(dev, where & MSIX_BIR);
    if (bar == NULL || (where & ~MSIX_BIR) + (entry + 1u) * 16u > dev->bars[where & MSIX_BIR].bytes)
        return -EINVAL;
    table = (volatile u32 *)(bar + (where & ~MSIX_BIR)) + (u32)entry * MSIX_ENTRY_WORDS;
    pci_write(dev, (u16)(cap + MSIX_CONTROL), 2,
              control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK_ALL);
    table[0] = MESSAGE_ADDRESS(apic_id);
    table[1] = 0;
    table[2] = vector;
    table[3] = 0; /* not masked */
    pci_write(dev, (u16)(cap + MSIX_CONTROL), 2,
              (control | MSIX_CONTROL_ENABLE) & ~MSIX_CONTROL_MASK_ALL);
    return 0;
}

void msix_disable(const struct pci_device *dev)
{
    u16 cap = pci_capability(dev, PCI_CAP_MSIX);
    u32 control;

    if (cap == 0)
        return;
    control = pci_read(dev, (u16)(cap + MSIX_CONTROL), 2);
    pci_write(dev, (u16)(cap + MSIX_CONTROL), 2, control & ~MSIX_CONTROL_ENABLE);
}
