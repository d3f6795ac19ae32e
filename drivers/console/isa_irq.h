/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of devices that sit where they sat on the ISA bus. */
#ifndef SOCLE_CONSOLE_ISA_IRQ_H
#define SOCLE_CONSOLE_ISA_IRQ_H

#include "core/kern/irq.h"
#include "core/lib/compiler.h"
#include "drivers/acpi/acpi.h"

/* Leads an IRQ of the ISA bus to the handler. Context: boot. Return: 0; as irq_line_attach. */
int isa_irq_attach(const struct acpi *acpi, u8 irq, irq_handler handler, void *arg) must_check;

#endif
