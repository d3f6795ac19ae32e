/* SPDX-License-Identifier: BSD-2-Clause */
/* The two registers through which all others of an IOAPIC are reached; unit tests shadow this
 * header. Spec: 82093AA IOAPIC datasheet "Register Description". */
#ifndef SOCLE_X86_IOAPIC_REGS_H
#define SOCLE_X86_IOAPIC_REGS_H

#include "core/lib/types.h"

#define IOREGSEL 0u /* in units of 32 bits */
#define IOWIN    4u

static inline u32 ioapic_read(volatile u32 *registers, u32 index)
{
    registers[IOREGSEL] = index;
    return registers[IOWIN];
}

static inline void ioapic_write(volatile u32 *registers, u32 index, u32 value)
{
    registers[IOREGSEL] = index;
    registers[IOWIN] = value;
}

#endif
