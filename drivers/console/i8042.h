/* SPDX-License-Identifier: BSD-2-Clause */
/* A PS/2 keyboard, or what the firmware makes look like one, as keys for the host's console. */
#ifndef SOCLE_CONSOLE_I8042_H
#define SOCLE_CONSOLE_I8042_H

#include "drivers/acpi/acpi.h"

/* Adds the keyboard to core/kern/keys.h, if there is a controller. Context: boot, after the
 * IOAPICs. */
void i8042_init(const struct acpi *acpi);

#endif
