/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/pci/pci_irq.c tests/fakes/log.c */
/* The choice between MSI, INTx and neither, and the line an INTx pin reaches. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "drivers/pci/msi.h"
#include "drivers/pci/pci_irq.h"

#include <string.h>

static const struct acpi_override overrides[] = {
    {.irq = 0, .gsi = 2},
    {.irq = 10, .gsi = 10, .flags = ACPI_IRQ_HIGH | ACPI_IRQ_LEVEL},
    {.irq = 11, .gsi = 20, .flags = 0}, /* as usual on the bus, which is PCI here */
    {.irq = 12, .gsi = 12, .flags = ACPI_IRQ_HIGH | ACPI_IRQ_EDGE},
    {.irq = 14, .gsi = 30, .flags = ACPI_IRQ_LOW | ACPI_IRQ_LEVEL},
};

static u16 command;
static u8 line, pin;
static bool has_msi, msi_is_on, has_msix, msix_is_on, has_ioapic;
static int msi_error;
static u32 vectors_used, lines_used, attached_gsi;

u32 acpi_overrides(const struct acpi *acpi, struct acpi_override *out, u32 max)
{
    (void)acpi;
    CHECK(max >= ARRAY_SIZE(overrides));
    memcpy(out, overrides, sizeof overrides);
    return ARRAY_SIZE(overrides);
}

u32 pci_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    (void)dev, (void)bytes;
    return offset == PCI_COMMAND ? command : offset == PCI_IRQ_LINE ? line : pin;
}

void pci_write(const struct pci_device *dev, u16 offset, unsigned bytes, u32 value)
{
    (void)dev, (void)bytes;
    CHECK_EQ(offset, PCI_COMMAND);
    command = (u16)value;
}

u16 pci_capability(const struct pci_device *dev, u8 id)
{
    (void)dev;
    return id == PCI_CAP_MSI && has_msi ? 0x50 : id == PCI_CAP_MSIX && has_msix ? 0x60 : 0;
}

int msi_enable(const struct pci_device *dev, u8 vector, u32 apic_id)
{
    (void)dev, (void)vector, (void)apic_id;
    msi_is_on = msi_error == 0;
    return msi_error;
}

void msi_disable(const struct pci_device *dev)
{
    (void)dev;
    msi_is_on = false;
}

int msix_enable(const struct pci_device *dev, u16 entry, u8 vector, u32 apic_id)
{
    (void)dev, (void)vector, (void)apic_id;
    CHECK_EQ(entry, 0);
    msix_is_on = true;
    return 0;
}

void msix_disable(const struct pci_device *dev)
{
    (void)dev;
    msix_is_on = false;
}

int irq_alloc(u32 pcpu, irq_handler handler, void *arg, u8 *vector, u32 *apic_id)
{
    (void)pcpu, (void)handler, (void)arg;
    *vector = 0x30;
    *apic_id = 0;
    vectors_used++;
    return 0;
}

void irq_free(u32 pcpu, u8 vector)
{
    (void)pcpu, (void)vector;
    vectors_used--;
}

int irq_line_attach(const struct irq_line *way, irq_handler handler, void *arg)
{
    (void)handler, (void)arg;
    attached_gsi = way->gsi;
    lines_used += has_ioapic;
    return has_ioapic ? 0 : -ENODEV;
}

void irq_line_detach(u32 gsi, irq_handler handler, void *arg)
{
    (void)handler, (void)arg;
    CHECK_EQ(gsi, attached_gsi);
    lines_used--;
}

static bool handler(void *arg)
{
    (void)arg;
    return true;
}

static void machine(bool with_msi, bool with_ioapic, u8 its_line, u8 its_pin)
{
    has_msi = with_msi;
    has_msix = false;
    msi_error = 0;
    has_ioapic = with_ioapic;
    line = its_line;
    pin = its_pin;
    command = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_OFF;
    pci_irq_init(NULL);
}

static bool intx_is_on(void)
{
    return (command & PCI_COMMAND_INTX_OFF) == 0 && (command & PCI_COMMAND_MEMORY) != 0;
}

TEST(lines)
{
    static const struct {
        u8 line, gsi;
        bool is_level, is_low;
    } good[] = {
        {1, 1, true, true},     {5, 5, true, true},   {10, 10, true, false}, {11, 20, true, true},
        {12, 12, false, false}, {14, 30, true, true}, {15, 15, true, true},
    };
    static const u8 bad[] = {0, 2, 16, 17, 0x80, 0xfe, 0xff};
    struct irq_line way;

    for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
        CHECK(pci_intx_route(overrides, ARRAY_SIZE(overrides), good[i].line, 1, &way));
        CHECK_EQ(way.gsi, good[i].gsi);
        CHECK_EQ(way.is_level, good[i].is_level);
        CHECK_EQ(way.is_active_low, good[i].is_low);
    }
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(!pci_intx_route(overrides, ARRAY_SIZE(overrides), bad[i], 1, &way));
    CHECK(!pci_intx_route(overrides, ARRAY_SIZE(overrides), 10, 0, &way)); /* no pin */
}

TEST(msi_x_where_there_is_no_msi)
{
    struct pci_device dev = {0};
    struct pci_irq irq;

    machine(false, true, 10, 1);
    has_msix = true;
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_MSIX);
    CHECK(msix_is_on && !intx_is_on() && lines_used == 0);
    pci_irq_release(&dev, &irq);
    CHECK(!msix_is_on && vectors_used == 0 && irq.kind == PCI_IRQ_NONE);
}

TEST(msi_where_there_is)
{
    struct pci_device dev = {0};
    struct pci_irq irq;

    machine(true, true, 10, 1);
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_MSI);
    CHECK(msi_is_on && !intx_is_on() && lines_used == 0);
    pci_irq_release(&dev, &irq);
    CHECK(!msi_is_on && vectors_used == 0);
    msi_error = -ERANGE;
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_INTX);
    CHECK_EQ(vectors_used, 0);
    pci_irq_release(&dev, &irq);
    CHECK_EQ(lines_used, 0);
}

TEST(intx_else)
{
    struct pci_device dev = {0};
    struct pci_irq irq;

    machine(false, true, 11, 1);
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_INTX);
    CHECK(intx_is_on());
    CHECK_EQ(attached_gsi, 20);
    pci_irq_release(&dev, &irq);
    CHECK(!intx_is_on() && lines_used == 0);
    pci_irq_release(&dev, &irq); /* a second time: nothing to do */
    CHECK_EQ(lines_used, 0);
}

TEST(neither)
{
    struct pci_device dev = {0};
    struct pci_irq irq;

    machine(false, true, 0xff, 1);
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_NONE);
    machine(false, false, 11, 1);
    CHECK_EQ(pci_irq_setup(&dev, handler, NULL, &irq), PCI_IRQ_NONE);
    CHECK(!intx_is_on() && lines_used == 0 && vectors_used == 0);
}
