/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a PCI device's interrupts reach its driver: by message where the device can, else by its
 * interrupt line.
 *
 * The wiring of lines is known to AML only, and this host runs none. What is left is the Interrupt
 * Line register, where firmware writes the ISA IRQ that the device's pin reaches, and the MADT's
 * overrides for that IRQ. That may be wrong, so drivers whose device can raise an interrupt on
 * command try it, and poll if none comes.
 */
#ifndef SOCLE_PCI_IRQ_H
#define SOCLE_PCI_IRQ_H

#include "core/kern/irq.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci.h"

enum pci_irq_kind { PCI_IRQ_NONE, PCI_IRQ_MSI, PCI_IRQ_MSIX, PCI_IRQ_INTX };

/* What pci_irq_setup() has set up; owned by the driver. */
struct pci_irq {
    enum pci_irq_kind kind;
    u8 vector; /* MSI, MSI-X: entry 0 of the table */
    u32 gsi;   /* INTx */
    irq_handler handler;
    void *arg;
};

/* Remembers the overrides. Context: boot, before drivers are probed. */
void pci_irq_init(const struct acpi *acpi);

/*
 * The line an INTx pin reaches, from the device's Interrupt Line and Interrupt Pin registers.
 * Return: false if they name none.
 */
bool pci_intx_route(const struct acpi_override *overrides, u32 count, u8 line, u8 pin,
                    struct irq_line *out) must_check;

/*
 * Leads the device's interrupts to the handler, on pCPU 0; it may be called from now on. Context:
 * boot, device enabled. Return: irq->kind; PCI_IRQ_NONE, said in the log: the driver must poll.
 */
enum pci_irq_kind pci_irq_setup(const struct pci_device *dev, irq_handler handler, void *arg,
                                struct pci_irq *irq) must_check;

/* Undoes it; the device no longer raises interrupts. Afterwards the kind is PCI_IRQ_NONE. */
void pci_irq_release(const struct pci_device *dev, struct pci_irq *irq);

#endif
