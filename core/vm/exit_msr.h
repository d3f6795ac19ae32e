/* SPDX-License-Identifier: BSD-2-Clause */
/* The MSR policy: a table of what a guest may touch; everything else raises #GP(0). */
#ifndef SOCLE_VM_EXIT_MSR_H
#define SOCLE_VM_EXIT_MSR_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct vm;
struct vcpu;

/* Lets MSRs that only concern the vCPU itself, and are switched with it, through without exit. */
void msr_pass_through(struct vm *vm);

/* State of the MSRs core keeps, after power-on. */
void msr_reset(struct vcpu *vcpu);

/* Return: 0, -EINVAL (inject #GP(0)). */
int msr_read(struct vcpu *vcpu, u32 msr, u64 *value) must_check;
int msr_write(struct vcpu *vcpu, u32 msr, u64 value) must_check;

#endif
