/* SPDX-License-Identifier: BSD-2-Clause */
/* Scans the PCI buses the firmware has numbered. */
#include "drivers/pci/pci.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/x86/log.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#define ECAMS_MAX        4
#define SLOTS            32u
#define FUNCTIONS        8u
#define FUNCTION_BYTES   4096u
#define HEADER_MULTI     0x80u
#define HEADER_MASK      0x7fu
#define HEADER_BRIDGE    1u
#define BAR_IO           0x1u
#define BAR_TYPE_64      0x4u
#define BAR_MEM_MASK     0xfffffff0u
#define BAR_IO_MASK      0xfffffffcu
#define CAPABILITIES_MAX 48u /* more would not fit into 256 bytes: the list loops */

static struct pci_device *devices[PCI_DEVICES_MAX];
static u32 device_count;
static u8 buses_seen[256 / 8];

u32 pci_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    const volatile u8 *p = dev->config + offset;

    switch (bytes) {
    case 1:
        return *p;
    case 2:
        return *(const volatile u16 *)p;
    default:
        return *(const volatile u32 *)p;
    }
}

void pci_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    volatile u8 *p = dev->config + offset;

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

/* Spec: PCI Local Bus "Base Addresses": sizes by writing ones, with decoding off. */
static void size_bar(struct pci_device *dev, unsigned i, bool *is_64)
{
    u16 at = (u16)(PCI_BAR0 + 4 * i);
    u32 low = pci_read(dev, at, 4), mask_low, mask_high = 0xffffffff, high = 0;
    u64 mask;

    *is_64 = (low & BAR_IO) == 0 && (low & BAR_TYPE_64) != 0 && i + 1 < PCI_BARS;
    pci_write(dev, at, 4, 0xffffffff);
    mask_low = pci_read(dev, at, 4);
    pci_write(dev, at, 4, low);
    if (mask_low == 0)
        return;
    if (*is_64) {
        high = pci_read(dev, (u16)(at + 4), 4);
        pci_write(dev, (u16)(at + 4), 4, 0xffffffff);
        mask_high = pci_read(dev, (u16)(at + 4), 4);
        pci_write(dev, (u16)(at + 4), 4, high);
    }
    dev->bars[i].is_io = (low & BAR_IO) != 0;
    mask_low &= dev->bars[i].is_io ? BAR_IO_MASK : BAR_MEM_MASK;
    mask = ((u64)mask_high << 32) | mask_low;
    dev->bars[i].base =
        ((u64)high << 32) | (low & (dev->bars[i].is_io ? BAR_IO_MASK : BAR_MEM_MASK));
    dev->bars[i].bytes = dev->bars[i].is_io ? (~mask & 0xffff) + 1 : ~mask + 1;
}

static void size_bars(struct pci_device *dev)
{
    u32 command = pci_read(dev, PCI_COMMAND, 2);

    pci_write(dev, PCI_COMMAND, 2,
              command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
    for (unsigned i = 0; i < PCI_BARS; i++) {
        bool is_64 = false;

        size_bar(dev, i, &is_64);
        i += is_64;
    }
    /* Bus mastering stays off: the firmware's drivers are gone, nobody owns the device's DMA. */
    pci_write(dev, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
}

static int add_device(volatile u8 *config, u16 segment, u8 bus, u8 slot, u8 function)
{
    struct pci_device *dev;
    u8 header;

    if (device_count == PCI_DEVICES_MAX) {
        log_warn("pci", "more than %u devices; the rest is left out", PCI_DEVICES_MAX);
        return -ENOSPC;
    }
    dev = kzalloc(sizeof *dev);
    if (dev == NULL)
        return -ENOMEM;
    dev->config = config;
    dev->segment = segment;
    dev->bus = bus;
    dev->slot = slot;
    dev->function = function;
    dev->vendor_id = (u16)pci_read(dev, PCI_VENDOR_ID, 2);
    dev->device_id = (u16)pci_read(dev, PCI_DEVICE_ID, 2);
    dev->class_code = pci_read(dev, PCI_CLASS_REV, 4) >> 8;
    ksnprintf(dev->bdf, sizeof dev->bdf, "%04x:%02x:%02x.%u", segment, bus, slot, function);
    header = (u8)pci_read(dev, PCI_HEADER_TYPE, 1) & HEADER_MASK;
    if (header == 0)
        size_bars(dev);
    devices[device_count++] = dev;
    log_debug("pci", "%s %04x:%04x class %06x", dev->bdf, dev->vendor_id, dev->device_id,
              dev->class_code);
    return 0;
}

static int scan_bus(const struct acpi_ecam *ecam, volatile u8 *window, u8 bus);

static int scan_function(const struct acpi_ecam *ecam, volatile u8 *window, u8 bus, u8 slot,
                         u8 function, bool *is_multi)
{
    u64 offset = ((u64)(bus - ecam->first_bus) << 20) | ((u64)slot << 15) | ((u64)function << 12);
    volatile u8 *config = window + offset;
    u8 header, secondary;
    int rc;

    if (*(volatile u16 *)config == 0xffff)
        return 0;
    header = config[PCI_HEADER_TYPE];
    if (function == 0)
        *is_multi = (header & HEADER_MULTI) != 0;
    rc = add_device(config, ecam->segment, bus, slot, function);
    if (rc != 0 || (header & HEADER_MASK) != HEADER_BRIDGE)
        return rc;
    secondary = config[PCI_SECONDARY];
    if (secondary <= bus || secondary > ecam->last_bus)
        return 0;
    return scan_bus(ecam, window, secondary);
}

/* Depth is bounded: secondary buses have higher numbers, and each is entered once. */
static int scan_bus(const struct acpi_ecam *ecam, volatile u8 *window, u8 bus)
{
    if ((buses_seen[bus / 8] & (1u << (bus % 8))) != 0)
        return 0;
    buses_seen[bus / 8] = (u8)(buses_seen[bus / 8] | (1u << (bus % 8)));
    for (u8 slot = 0; slot < SLOTS; slot++) {
        bool is_multi = false;

        for (u8 function = 0; function < FUNCTIONS; function++) {
            int rc = scan_function(ecam, window, bus, slot, function, &is_multi);

            if (rc != 0)
                return rc;
            if (function == 0 && !is_multi)
                break;
        }
    }
    return 0;
}

int pci_scan(const struct acpi *acpi)
{
    struct acpi_ecam ecams[ECAMS_MAX];
    u32 count = acpi_ecams(acpi, ecams, ECAMS_MAX);

    if (count == 0)
        return -ENODEV;
    for (u32 i = 0; i < count; i++) {
        u64 buses = (u64)ecams[i].last_bus - ecams[i].first_bus + 1;
        volatile u8 *window;
        int rc;

        window = hpt_map_device(hpa(ecams[i].base + ((u64)ecams[i].first_bus << 20)),
                                buses * SLOTS * FUNCTIONS * FUNCTION_BYTES, HPT_UC);
        if (window == NULL)
            return -ENOMEM;
        rc = scan_bus(&ecams[i], window, ecams[i].first_bus);
        if (rc != 0)
            return rc;
    }
    log_info("pci", "%u devices", device_count);
    return 0;
}

static const struct pci_driver *driver_for(const struct pci_device *dev,
                                           const struct pci_driver *const *drivers, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        for (const struct pci_id *id = drivers[i]->ids; id->vendor_id != 0; id++) {
            if (id->vendor_id == dev->vendor_id && id->device_id == dev->device_id)
                return drivers[i];
        }
    }
    return NULL;
}

void pci_probe(const struct pci_driver *const *drivers, u32 count)
{
    for (u32 i = 0; i < device_count; i++) {
        const struct pci_driver *driver = driver_for(devices[i], drivers, count);
        int rc;

        if (driver == NULL)
            continue;
        rc = driver->probe(devices[i]);
        if (rc == 0)
            devices[i]->driver = driver->name;
        else
            log_error("pci", "%s: %s could not take the device (error %d); it stays unused",
                      devices[i]->bdf, driver->name, rc);
    }
}

struct pci_device *pci_get(u32 index)
{
    return index < device_count ? devices[index] : NULL;
}

void pci_enable(const struct pci_device *dev)
{
    u32 command = pci_read(dev, PCI_COMMAND, 2);

    pci_write(dev, PCI_COMMAND, 2,
              command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
}

volatile void *pci_map_bar(const struct pci_device *dev, unsigned bar)
{
    if (bar >= PCI_BARS || dev->bars[bar].base == 0 || dev->bars[bar].is_io ||
        dev->bars[bar].bytes == 0)
        return NULL;
    return hpt_map_device(hpa(dev->bars[bar].base), dev->bars[bar].bytes, HPT_UC);
}

u16 pci_capability(const struct pci_device *dev, u8 id)
{
    u8 at;

    if ((pci_read(dev, PCI_STATUS, 2) & PCI_STATUS_CAPS) == 0)
        return 0;
    at = (u8)(pci_read(dev, PCI_CAP_POINTER, 1) & 0xfcu);
    for (u32 i = 0; i < CAPABILITIES_MAX && at != 0; i++) {
        if (pci_read(dev, at, 1) == id)
            return at;
        at = (u8)(pci_read(dev, (u16)(at + 1), 1) & 0xfcu);
    }
    return 0;
}
