/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI devices of the host: scan, configuration space, BARs. Spec: PCI Local Bus 3.0.
 *
 * Context of all: boot, or the driver's own task.
 */
#ifndef SOCLE_PCI_PCI_H
#define SOCLE_PCI_PCI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/acpi/acpi.h"

#define PCI_BARS        6
#define PCI_DEVICES_MAX 256

struct pci_bar {
    u64 base; /* 0: not implemented or not assigned */
    u64 bytes;
    bool is_io;
};

struct pci_root;

struct pci_device {
    const struct pci_root *root; /* how its configuration space is reached */
    u8 bus, slot, function;
    u16 vendor_id, device_id;
    u32 class_code; /* class, subclass, programming interface: 24 bits */
    struct pci_bar bars[PCI_BARS];
    char bdf[16];       /* "0000:00:02.0" */
    const char *driver; /* name of the driver that took it, or NULL */
};

struct pci_id {
    u16 vendor_id; /* 0 ends a table */
    u16 device_id;
};

/* A driver: which devices it knows, by their IDs or by their class; how it takes one. */
struct pci_driver {
    const char *name;
    const struct pci_id *ids;             /* NULL: none */
    u32 class_code;                       /* class, subclass, programming interface; 0: none */
    int (*probe)(struct pci_device *dev); /* 0: the device is taken */
};

/*
 * Finds all devices: through the MCFG's windows, or through ports CF8h and CFCh where the tables
 * name none. Return: 0, -ENODEV (neither is there), -ENOMEM.
 */
int pci_scan(const struct acpi *acpi) must_check;

/* Offers each device to the drivers; bus mastering stays off until a driver asks for it. */
void pci_probe(const struct pci_driver *const *drivers, u32 count);

/* Walks what was found; NULL at the end. */
struct pci_device *pci_get(u32 index);

/*
 * Configuration space, naturally aligned, 1, 2 or 4 bytes. What the access method does not reach
 * (from 256 on, through ports) reads as ones, and writes to it are lost, as on an absent device.
 */
u32 pci_read(const struct pci_device *dev, u16 offset, unsigned bytes);
void pci_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value);

/* Turns on memory decoding and bus mastering; INTx stays off until pci_irq_setup() needs it. */
void pci_enable(const struct pci_device *dev);

/* Turns off bus mastering and INTx, as the scan left them. */
void pci_disable(const struct pci_device *dev);

/* False once the device has been taken away. Context: any task. */
bool pci_is_present(const struct pci_device *dev);

/* Maps a memory BAR. Return: NULL if it is none or cannot be mapped. */
volatile void *pci_map_bar(const struct pci_device *dev, unsigned bar) must_check;

/* Offset of a capability in configuration space; 0 if the device lacks it. */
u16 pci_capability(const struct pci_device *dev, u8 id);

/* The next one with this ID after the capability at `at`, or the first for 0; 0 if there is none.
 */
u16 pci_capability_next(const struct pci_device *dev, u16 at, u8 id);

#define PCI_VENDOR_ID   0x00u
#define PCI_DEVICE_ID   0x02u
#define PCI_COMMAND     0x04u
#define PCI_STATUS      0x06u
#define PCI_CLASS_REV   0x08u
#define PCI_HEADER_TYPE 0x0eu
#define PCI_BAR0        0x10u
#define PCI_CAP_POINTER 0x34u
#define PCI_IRQ_LINE    0x3cu
#define PCI_IRQ_PIN     0x3du

#define PCI_COMMAND_IO       0x001u
#define PCI_COMMAND_MEMORY   0x002u
#define PCI_COMMAND_MASTER   0x004u
#define PCI_COMMAND_INTX_OFF 0x400u
#define PCI_STATUS_CAPS      0x010u

#define PCI_CAP_MSI    0x05u
#define PCI_CAP_VENDOR 0x09u
#define PCI_CAP_MSIX   0x11u

#endif
