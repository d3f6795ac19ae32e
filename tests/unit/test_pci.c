/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/pci/pci.c core/lib/printf.c tests/fakes/log.c */
/* The PCI scan over fake configuration spaces, capability lists, and addresses for CF8h. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_root.h"
#include "mm/hpt.h"
#include "mm/kheap.h"

#include <stdlib.h>
#include <string.h>

struct fake_function {
    u16 segment;
    u8 bus, slot, function;
    u8 config[256];
    u32 bar_mask; /* what BAR 0 lets one write */
};

static struct fake_function functions[8];
static u32 function_count, ecam_count;

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

volatile void *hpt_map_device(hpa_t base, u64 bytes, enum hpt_cache cache)
{
    (void)base, (void)bytes, (void)cache;
    return NULL;
}

u32 acpi_ecams(const struct acpi *acpi, struct acpi_ecam *out, u32 max)
{
    (void)acpi;
    for (u32 i = 0; i < ecam_count && i < max; i++)
        out[i] = (struct acpi_ecam){.segment = (u16)i, .last_bus = 255};
    return ecam_count;
}

static struct fake_function *at(const struct pci_device *dev)
{
    for (u32 i = 0; i < function_count; i++) {
        struct fake_function *f = &functions[i];

        if (f->segment == dev->root->segment && f->bus == dev->bus && f->slot == dev->slot &&
            f->function == dev->function)
            return f;
    }
    return NULL;
}

static u32 fake_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    const struct fake_function *f = at(dev);
    u32 value = 0xffffffff;

    if (f != NULL)
        memcpy(&value, f->config + offset, bytes);
    return bytes == 4 ? value : value & ((1u << 8 * bytes) - 1);
}

static void fake_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    struct fake_function *f = at(dev);

    if (f == NULL)
        return;
    if (offset == PCI_BAR0)
        value &= f->bar_mask;
    else if (offset > PCI_BAR0 && offset < PCI_BAR0 + 4 * PCI_BARS)
        value = 0;
    memcpy(f->config + offset, &value, bytes);
}

int pci_ecam_init(struct pci_root *root, const struct acpi_ecam *ecam)
{
    *root = (struct pci_root){.name = "fake ECAM",
                              .read = fake_read,
                              .write = fake_write,
                              .segment = ecam->segment,
                              .last_bus = ecam->last_bus};
    return 0;
}

int pci_cf8_init(struct pci_root *root)
{
    if (function_count == 0)
        return -ENODEV;
    *root = (struct pci_root){
        .name = "fake ports", .read = fake_read, .write = fake_write, .last_bus = 255};
    return 0;
}

static struct fake_function *put(u16 segment, u8 bus, u8 slot, u8 function, u8 header)
{
    struct fake_function *f = &functions[function_count++];

    *f = (struct fake_function){.segment = segment, .bus = bus, .slot = slot, .function = function};
    f->config[PCI_VENDOR_ID] = 0x86;
    f->config[PCI_VENDOR_ID + 1] = 0x80;
    f->config[PCI_HEADER_TYPE] = header;
    f->config[PCI_COMMAND] = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    return f;
}

static const struct pci_device *find(const char *bdf)
{
    const struct pci_device *dev;

    for (u32 i = 0; (dev = pci_get(i)) != NULL; i++) {
        if (strcmp(dev->bdf, bdf) == 0)
            return dev;
    }
    return NULL;
}

/* One scan for the file: what it finds stays, as on a machine. */
TEST(the_scan_finds_all_roots_and_quiets_devices)
{
    struct fake_function *nic;
    const struct pci_device *dev;

    CHECK_EQ(pci_scan(NULL), -ENODEV); /* no window in the tables, no ports */
    put(0, 0, 0, 0, 0);
    put(0, 0, 1, 0, 0x80);
    put(0, 0, 1, 7, 0);
    put(0, 0, 2, 3, 0); /* function 0 is absent: nothing is there */
    put(0, 0x40, 0, 0, 0);
    nic = put(1, 0, 31, 0, 0);
    nic->bar_mask = 0xfffe0000;
    nic->config[PCI_BAR0 + 3] = 0xfe;
    ecam_count = 2;
    CHECK_EQ(pci_scan(NULL), 0);
    CHECK(find("0000:00:00.0") != NULL);
    CHECK(find("0000:00:01.7") != NULL);
    CHECK(find("0000:00:02.3") == NULL);
    CHECK(find("0000:40:00.0") != NULL); /* behind no bridge */
    dev = find("0001:00:1f.0");          /* the same bus number in a second segment */
    CHECK(dev != NULL && pci_get(5) == NULL);
    CHECK_EQ(dev->bars[0].base, 0xfe000000);
    CHECK_EQ(dev->bars[0].bytes, 0x20000);
    CHECK_EQ(pci_read(dev, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF);
    pci_enable(dev);
    CHECK_EQ(pci_read(dev, PCI_COMMAND, 2),
             PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_OFF);
}

TEST(a_capability_list_that_loops_ends)
{
    const struct pci_device *dev = find("0001:00:1f.0");
    u8 *config = at(dev)->config;

    CHECK_EQ(pci_capability(dev, PCI_CAP_MSI), 0);
    config[PCI_STATUS] = PCI_STATUS_CAPS;
    config[PCI_CAP_POINTER] = 0x40;
    config[0x40] = 0x01;
    config[0x41] = 0x50;
    config[0x50] = PCI_CAP_MSI;
    config[0x51] = 0x40;
    CHECK_EQ(pci_capability(dev, PCI_CAP_MSI), 0x50);
    CHECK_EQ(pci_capability(dev, PCI_CAP_MSIX), 0);
}

TEST(addresses_for_cf8)
{
    CHECK_EQ(pci_cf8_address(0, 0, 0, 0), 0x80000000);
    CHECK_EQ(pci_cf8_address(0, 2, 0, 0x3c), 0x8000103c);
    CHECK_EQ(pci_cf8_address(255, 31, 7, 255), 0x80fffffc);
    CHECK_EQ(pci_cf8_address(1, 0, 1, 0x06), 0x80010104); /* the port's low bits select the byte */
}
