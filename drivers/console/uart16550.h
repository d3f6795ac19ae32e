/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's first serial line as a log and status console. */
#ifndef SOCLE_CONSOLE_UART16550_H
#define SOCLE_CONSOLE_UART16550_H

#include "drivers/acpi/acpi.h"

/* Sets up COM1 (115200 8N1) if there is one and adds it to the log. Context: boot. */
void uart_console_init(void);

/* Adds what is typed there to core/kern/keys.h. Context: boot, after the IOAPICs. */
void uart_console_add_keys(const struct acpi *acpi);

#endif
