/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guest's DSDT says, as AML. */
#ifndef SOCLE_VMM_GUEST_DSDT_H
#define SOCLE_VMM_GUEST_DSDT_H

#include "core/vmm/guest_acpi.h"

/* Writes what follows the table's header. buf: size bytes, which must be enough. Return: bytes
 * used. */
size_t guest_dsdt_build(u8 *buf, size_t size, const struct guest_acpi *board);

#endif
