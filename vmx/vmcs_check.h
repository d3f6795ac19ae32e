/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks VM entry makes on controls and guest state, done in software. Pure: fields come
 * through a function.
 *
 * A CPU that refuses an entry says only "invalid control fields" or "invalid guest state". Run
 * before a vCPU's first entry and again after a refusal, to name the field.
 */
#ifndef SOCLE_VMX_VMCS_CHECK_H
#define SOCLE_VMX_VMCS_CHECK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "vmx/vmcs.h"

/* Reads a field of the VMCS to be checked. */
typedef u64 (*vmcs_reader)(void *cookie, u32 field);

struct vmcs_limits {
    u64 cr0_fixed0, cr0_fixed1;
    u64 cr4_fixed0, cr4_fixed1;
    u8 phys_bits;
};

/* Return: NULL if VM entry would accept it, else what is wrong, naming the field. Spec: SDM 3C
 * "Checks on VMX Controls and Host-State Area", "Checks on the Guest State Area". */
const char *vmcs_check(vmcs_reader read, void *cookie, const struct vmcs_limits *limits);

#endif
