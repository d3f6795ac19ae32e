/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consistency checks VMRUN makes, done in software. Pure.
 *
 * A CPU that refuses a VMCB says only VMEXIT_INVALID; emulators accept what CPUs refuse. Run before
 * a vCPU's first entry and again after a refusal, to name the field.
 */
#ifndef SOCLE_SVM_VMCB_CHECK_H
#define SOCLE_SVM_VMCB_CHECK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "svm/vmcb.h"

struct vmcb_limits {
    u32 asid_count;
    u8 phys_bits;
};

/* Return: NULL if VMRUN would accept it, else what is wrong, naming the field. Spec: APM 2
 * "Canonicalization and Consistency Checks". */
const char *vmcb_check(const struct vmcb *vmcb, const struct vmcb_limits *limits);

#endif
