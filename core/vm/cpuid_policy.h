/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest sees of its CPU: the host's features that work in a VM, and the virtual machine's
 * own.
 *
 * Every leaf and every feature bit is a decision here; what has no row reads as zero.
 */
#ifndef SOCLE_VM_CPUID_POLICY_H
#define SOCLE_VM_CPUID_POLICY_H

#include "core/lib/types.h"
#include "core/x86/insn.h"

struct vcpu;

/* What the answer depends on besides the leaf. */
struct cpuid_context {
    void (*host)(u32 leaf, u32 subleaf, struct cpuid_regs *out);
    u32 vcpu_count;
    u32 apic_id;
    u64 tsc_khz;
    u64 xcr0_supported; /* of the host's components */
    u64 xcr0;           /* the guest's now */
    bool osxsave;       /* CR4.OSXSAVE now */
};

/* Pure. */
void cpuid_answer(const struct cpuid_context *ctx, u32 leaf, u32 subleaf, struct cpuid_regs *out);

/* For a running vCPU. Context: its task. */
void cpuid_policy(struct vcpu *vcpu, u32 leaf, u32 subleaf, struct cpuid_regs *out);

#endif
