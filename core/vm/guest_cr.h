/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a write to CR0 or CR4 does to a guest's registers; pure.
 *
 * Only for writes that exit: where the guest owns a bit the CPU itself makes the same checks. Spec:
 * SDM 3A "Control Registers", "Initializing IA-32e Mode"; SDM 2 "MOV—Move to/from Control
 * Registers".
 */
#ifndef SOCLE_VM_GUEST_CR_H
#define SOCLE_VM_GUEST_CR_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct guest_cr {
    u64 cr0, cr3, cr4, efer;
    bool is_code_64; /* CS.L in IA-32e mode */
};

/* Changes CR0, and LMA with paging. Return: 0, -EINVAL (#GP; nothing changed). */
int guest_cr0_write(struct guest_cr *cr, u64 value) must_check;

/* valid: the bits of CR4 this virtual CPU has. Return: 0, -EINVAL (#GP; nothing changed). */
int guest_cr4_write(struct guest_cr *cr, u64 value, u64 valid) must_check;

/* True if the CPU keeps four page-directory pointers, loaded when CR0, CR3 or CR4 is written. */
bool guest_cr_has_pdptes(const struct guest_cr *cr);

#endif
