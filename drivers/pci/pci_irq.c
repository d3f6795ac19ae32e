/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses and sets up the way of a PCI device's interrupts. */
#include "drivers/pci/pci_irq.h"

#include "core/x86/log.h"
#include "drivers/pci/msi.h"

#define ISA_IRQS    16u
#define IRQ_TIMER   0u /* firmware's value for "none", too */
#define IRQ_CASCADE 2u

static struct acpi_override overrides[ISA_IRQS]; /* constant after pci_irq_init() */
static u32 override_count;

void pci_irq_init(const struct acpi *acpi)
{
    override_count = acpi_overrides(acpi, overrides, ISA_IRQS);
}

/* Spec: PCI Local Bus 3.0 "Interrupt Line", "Interrupt Pin": pin 0 means that the device has none,
 * and lines from 16 on that it is not connected. */
bool pci_intx_route(const struct acpi_override *list, u32 count, u8 line, u8 pin,
                    struct irq_line *out)
{
    if (pin == 0 || line == IRQ_TIMER || line == IRQ_CASCADE || line >= ISA_IRQS)
        return false;
    *out = (struct irq_line){.gsi = line, .is_level = true, .is_active_low = true};
    for (u32 i = 0; i < count; i++) {
        if (list[i].irq != line)
            continue;
        out->gsi = list[i].gsi;
        out->is_level = (list[i].flags & ACPI_IRQ_TRIGGER) != ACPI_IRQ_EDGE;
        out->is_active_low = (list[i].flags & ACPI_IRQ_POLARITY) != ACPI_IRQ_HIGH;
        break;
    }
    return true;
}

/* A message: all interrupts of the device come as this one. */
static bool setup_message(const struct pci_device *dev, struct pci_irq *irq, enum pci_irq_kind kind)
{
    bool is_x = kind == PCI_IRQ_MSIX;
    u32 apic_id;

    if (pci_capability(dev, is_x ? PCI_CAP_MSIX : PCI_CAP_MSI) == 0 ||
        irq_alloc(0, irq->handler, irq->arg, &irq->vector, &apic_id) != 0)
        return false;
    if ((is_x ? msix_enable(dev, 0, irq->vector, apic_id)
              : msi_enable(dev, irq->vector, apic_id)) != 0) {
        irq_free(0, irq->vector);
        return false;
    }
    irq->kind = kind;
    log_info("pci", "%s: interrupts by %s, vector 0x%x", dev->bdf, is_x ? "MSI-X" : "MSI",
             (unsigned)irq->vector);
    return true;
}

static void intx_enable(const struct pci_device *dev, bool is_on)
{
    u32 command = pci_read(dev, PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_OFF;

    pci_write(dev, PCI_COMMAND, 2, command | (is_on ? 0 : PCI_COMMAND_INTX_OFF));
}

static bool setup_intx(const struct pci_device *dev, struct pci_irq *irq)
{
    u8 line = (u8)pci_read(dev, PCI_IRQ_LINE, 1), pin = (u8)pci_read(dev, PCI_IRQ_PIN, 1);
    struct irq_line way;
    int rc;

    if (!pci_intx_route(overrides, override_count, line, pin, &way)) {
        log_warn("pci", "%s: no interrupt: neither MSI nor a known line (pin %u, line %u)",
                 dev->bdf, pin, line);
        return false;
    }
    rc = irq_line_attach(&way, irq->handler, irq->arg);
    if (rc != 0) {
        log_warn("pci", "%s: no interrupt: GSI %u cannot be used (error %d)", dev->bdf, way.gsi,
                 rc);
        return false;
    }
    irq->kind = PCI_IRQ_INTX;
    irq->gsi = way.gsi;
    intx_enable(dev, true);
    log_info("pci", "%s: interrupts by INTx, line %u, GSI %u, %s, active %s", dev->bdf, line,
             way.gsi, way.is_level ? "level" : "edge", way.is_active_low ? "low" : "high");
    return true;
}

enum pci_irq_kind pci_irq_setup(const struct pci_device *dev, irq_handler handler, void *arg,
                                struct pci_irq *irq)
{
    *irq = (struct pci_irq){.kind = PCI_IRQ_NONE, .handler = handler, .arg = arg};
    if (!setup_message(dev, irq, PCI_IRQ_MSI) && !setup_message(dev, irq, PCI_IRQ_MSIX) &&
        !setup_intx(dev, irq))
        irq->kind = PCI_IRQ_NONE;
    return irq->kind;
}

void pci_irq_release(const struct pci_device *dev, struct pci_irq *irq)
{
    switch (irq->kind) {
    case PCI_IRQ_MSI:
        msi_disable(dev);
        irq_free(0, irq->vector);
        break;
    case PCI_IRQ_MSIX:
        msix_disable(dev);
        irq_free(0, irq->vector);
        break;
    case PCI_IRQ_INTX:
        intx_enable(dev, false);
        irq_line_detach(irq->gsi, irq->handler, irq->arg);
        break;
    case PCI_IRQ_NONE:
        break;
    }
    irq->kind = PCI_IRQ_NONE;
}
