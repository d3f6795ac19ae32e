/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the CPUID policy on behalf of a running vCPU. */
#include "core/vm/cpuid_policy.h"
#include "core/vm/vm.h"
#include "core/x86/cr.h"
#include "core/x86/fpu.h"
#include "core/x86/tsc.h"

void cpuid_policy(struct vcpu *vcpu, u32 leaf, u32 subleaf, struct cpuid_regs *out)
{
    struct cpuid_context ctx = {
        .host = cpuid_count,
        .vcpu_count = vcpu->vm->vcpu_count,
        .apic_id = vcpu->index,
        .tsc_khz = tsc_hz() / 1000,
        .xcr0_supported = fpu_xcr0_supported(),
        .xcr0 = hvm->reg_get(vcpu, HVM_XCR0),
        .osxsave = (hvm->reg_get(vcpu, HVM_CR4) & CR4_OSXSAVE) != 0,
    };

    cpuid_answer(&ctx, leaf, subleaf, out);
}
