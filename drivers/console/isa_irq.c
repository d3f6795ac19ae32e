/* SPDX-License-Identifier: BSD-2-Clause */
/* The pin an ISA interrupt reaches. Spec: ACPI "Interrupt Source Override Structure". */
#include "drivers/console/isa_irq.h"

#define ISA_IRQS 16u

int isa_irq_attach(const struct acpi *acpi, u8 irq, irq_handler handler, void *arg)
{
    struct acpi_override overrides[ISA_IRQS];
    u32 count = acpi_overrides(acpi, overrides, ISA_IRQS);
    struct irq_line line = {.gsi = irq}; /* edge, active high, as the bus has it */

    for (u32 i = 0; i < count; i++) {
        if (overrides[i].irq != irq)
            continue;
        line.gsi = overrides[i].gsi;
        line.is_level = (overrides[i].flags & ACPI_IRQ_TRIGGER) == ACPI_IRQ_LEVEL;
        line.is_active_low = (overrides[i].flags & ACPI_IRQ_POLARITY) == ACPI_IRQ_LOW;
    }
    return irq_line_attach(&line, handler, arg);
}
