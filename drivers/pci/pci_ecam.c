/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space in memory: 4 KiB for each function. */
#include "core/lib/errno.h"
#include "drivers/pci/pci_root.h"
#include "mm/hpt.h"

#define BUS_SHIFT      20
#define SLOT_SHIFT     15
#define FUNCTION_SHIFT 12

static volatile u8 *address_of(const struct pci_device *dev, u16 offset)
{
    return dev->root->window + ((u64)(dev->bus - dev->root->first_bus) << BUS_SHIFT) +
           ((u64)dev->slot << SLOT_SHIFT) + ((u64)dev->function << FUNCTION_SHIFT) + offset;
}

static u32 ecam_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    const volatile u8 *p = address_of(dev, offset);

    switch (bytes) {
    case 1:
        return *p;
    case 2:
        return *(const volatile u16 *)p;
    default:
        return *(const volatile u32 *)p;
    }
}

static void ecam_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    volatile u8 *p = address_of(dev, offset);

    switch (bytes) {
    case 1:
        *p = (u8)value;
        break;
    case 2:
        *(volatile u16 *)p = (u16)value;
        break;
    default:
        *(volatile u32 *)p = value;
    }
}

int pci_ecam_init(struct pci_root *root, const struct acpi_ecam *ecam)
{
    u64 buses = (u64)ecam->last_bus - ecam->first_bus + 1;

    *root = (struct pci_root){
        .name = "ECAM",
        .read = ecam_read,
        .write = ecam_write,
        .segment = ecam->segment,
        .first_bus = ecam->first_bus,
        .last_bus = ecam->last_bus,
    };
    root->window = hpt_map_device(hpa(ecam->base + ((u64)ecam->first_bus << BUS_SHIFT)),
                                  buses << BUS_SHIFT, HPT_UC);
    return root->window != NULL ? 0 : -ENOMEM;
}
