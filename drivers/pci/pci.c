/* SPDX-License-Identifier: BSD-2-Clause */
/* Scans the PCI buses the firmware has numbered. */
#include "drivers/pci/pci.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/x86/log.h"
#include "drivers/pci/pci_root.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#define SLOTS            32u
#define FUNCTIONS        8u
#define ROOTS_MAX        4
#define ABSENT           0xffffu /* vendor ID where no function is */
#define HEADER_MULTI     0x80u
#define HEADER_MASK      0x7fu
#define BAR_IO           0x1u
#define BAR_TYPE_64      0x4u
#define BAR_MEM_MASK     0xfffffff0u
#define BAR_IO_MASK      0xfffffffcu
#define CAPABILITIES_MAX 48u /* more would not fit into 256 bytes: the list loops */

static struct pci_root roots[ROOTS_MAX];
static struct pci_device *devices[PCI_DEVICES_MAX];
static u32 device_count;

u32 pci_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    return dev->root->read(dev, offset, bytes);
}

void pci_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    dev->root->write(dev, offset, bytes, value);
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
    pci_write(dev, PCI_COMMAND, 2, command);
    /* The firmware's drivers are gone and nobody owns the device: no DMA, and no interrupt line
     * held down that a device with a driver may share. */
    pci_disable(dev);
}

static int add_device(const struct pci_device *found)
{
    struct pci_device *dev;

    if (device_count == PCI_DEVICES_MAX) {
        log_warn("pci", "more than %u devices; the rest is left out", PCI_DEVICES_MAX);
        return -ENOSPC;
    }
    dev = kzalloc(sizeof *dev);
    if (dev == NULL)
        return -ENOMEM;
    *dev = *found;
    dev->vendor_id = (u16)pci_read(dev, PCI_VENDOR_ID, 2);
    dev->device_id = (u16)pci_read(dev, PCI_DEVICE_ID, 2);
    dev->class_code = pci_read(dev, PCI_CLASS_REV, 4) >> 8;
    ksnprintf(dev->bdf, sizeof dev->bdf, "%04x:%02x:%02x.%u", dev->root->segment, dev->bus,
              dev->slot, dev->function);
    if ((pci_read(dev, PCI_HEADER_TYPE, 1) & HEADER_MASK) == 0)
        size_bars(dev);
    devices[device_count++] = dev;
    log_debug("pci", "%s %04x:%04x class %06x", dev->bdf, dev->vendor_id, dev->device_id,
              dev->class_code);
    return 0;
}

static int scan_slot(const struct pci_root *root, u8 bus, u8 slot)
{
    struct pci_device place = {.root = root, .bus = bus, .slot = slot};
    u8 functions = 1;

    for (; place.function < functions; place.function++) {
        int rc;

        if (pci_read(&place, PCI_VENDOR_ID, 2) == ABSENT)
            continue;
        if (place.function == 0 && (pci_read(&place, PCI_HEADER_TYPE, 1) & HEADER_MULTI) != 0)
            functions = FUNCTIONS;
        rc = add_device(&place);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Looks at every bus number instead of following bridges: servers have roots besides bus 0 that
 * only AML names, and no bridge's numbers need to be trusted. */
static int scan_root(const struct pci_root *root)
{
    for (u32 bus = root->first_bus; bus <= root->last_bus; bus++) {
        for (u8 slot = 0; slot < SLOTS; slot++) {
            int rc = scan_slot(root, (u8)bus, slot);

            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* Out: the roots, and how many. Return: 0, -ENODEV, -ENOMEM. */
static int find_roots(const struct acpi *acpi, u32 *count)
{
    struct acpi_ecam ecams[ROOTS_MAX];

    *count = acpi_ecams(acpi, ecams, ROOTS_MAX);
    for (u32 i = 0; i < *count; i++) {
        int rc = pci_ecam_init(&roots[i], &ecams[i]);

        if (rc != 0)
            return rc;
    }
    if (*count != 0)
        return 0;
    *count = 1;
    return pci_cf8_init(&roots[0]);
}

int pci_scan(const struct acpi *acpi)
{
    u32 count;
    int rc = find_roots(acpi, &count);

    for (u32 i = 0; i < count && rc == 0; i++)
        rc = scan_root(&roots[i]);
    if (rc != 0 && rc != -ENOSPC)
        return rc;
    log_info("pci", "%u devices, configuration space by %s", device_count, roots[0].name);
    return 0;
}

static const struct pci_driver *driver_for(const struct pci_device *dev,
                                           const struct pci_driver *const *drivers, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const struct pci_id *id = drivers[i]->ids;

        if (drivers[i]->class_code != 0 && drivers[i]->class_code == dev->class_code)
            return drivers[i];
        for (; id != NULL && id->vendor_id != 0; id++) {
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

void pci_disable(const struct pci_device *dev)
{
    u32 command = pci_read(dev, PCI_COMMAND, 2);

    pci_write(dev, PCI_COMMAND, 2, (command & ~PCI_COMMAND_MASTER) | PCI_COMMAND_INTX_OFF);
}

bool pci_is_present(const struct pci_device *dev)
{
    return pci_read(dev, PCI_VENDOR_ID, 2) == dev->vendor_id;
}

volatile void *pci_map_bar(const struct pci_device *dev, unsigned bar)
{
    if (bar >= PCI_BARS || dev->bars[bar].base == 0 || dev->bars[bar].is_io ||
        dev->bars[bar].bytes == 0)
        return NULL;
    return hpt_map_device(hpa(dev->bars[bar].base), dev->bars[bar].bytes, HPT_UC);
}

u16 pci_capability_next(const struct pci_device *dev, u16 at, u8 id)
{
    if ((pci_read(dev, PCI_STATUS, 2) & PCI_STATUS_CAPS) == 0)
        return 0;
    at = (u16)(pci_read(dev, at == 0 ? PCI_CAP_POINTER : (u16)(at + 1), 1) & 0xfcu);
    for (u32 i = 0; i < CAPABILITIES_MAX && at != 0; i++) {
        if (pci_read(dev, at, 1) == id)
            return at;
        at = (u16)(pci_read(dev, (u16)(at + 1), 1) & 0xfcu);
    }
    return 0;
}

u16 pci_capability(const struct pci_device *dev, u8 id)
{
    return pci_capability_next(dev, 0, id);
}
