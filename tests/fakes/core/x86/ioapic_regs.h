/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces core/x86/ioapic_regs.h in unit tests: the test sees every access and keeps the
 * registers. */
#ifndef SOCLE_FAKES_IOAPIC_REGS_H
#define SOCLE_FAKES_IOAPIC_REGS_H

#include "core/lib/types.h"

u32 ioapic_read(volatile u32 *registers, u32 index);
void ioapic_write(volatile u32 *registers, u32 index, u32 value);

#endif
