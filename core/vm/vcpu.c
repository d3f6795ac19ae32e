/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtual CPU: made and unmade; exceptions for it, and past the instruction that left the guest.
 */
#include "core/vm/vcpu.h"

#include "core/lib/errno.h"
#include "core/vm/events.h"
#include "core/vm/exit_msr.h"
#include "core/vm/vm.h"
#include "core/x86/cr.h"
#include "core/x86/msr.h"
#include "mm/kheap.h"

#define DR6_BS BIT(14)

int vcpu_create(struct vm *vm, u32 index, struct vcpu **out)
{
    struct vcpu *vcpu = kzalloc(sizeof *vcpu);
    int rc;

    if (vcpu == NULL)
        return -ENOMEM;
    vcpu->vm = vm;
    vcpu->index = index;
    vcpu->waits_for_sipi = index != 0;
    vcpu->tsc_offset = 0 - vm->boot_tsc;
    vcpu->state = VCPU_NEW;
    msr_reset(vcpu);
    vcpu->apic = kzalloc(sizeof *vcpu->apic);
    rc = vcpu->apic != NULL ? hvm->vcpu_init(vcpu) : -ENOMEM;
    if (rc != 0) {
        kfree(vcpu->apic);
        kfree(vcpu);
        return rc;
    }
    hvm->tsc_offset_set(vcpu, vcpu->tsc_offset);
    *out = vcpu;
    return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    hvm->vcpu_fini(vcpu);
    kfree(vcpu->apic);
    kfree(vcpu);
}

/* -- exceptions
 * ------------------------------------------------------------------------------------------- */

void vcpu_inject_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code)
{
    const struct vm_event *first =
        vcpu->exception.kind != EVENT_NONE ? &vcpu->exception : &vcpu->interrupted;

    if (first->kind == EVENT_EXCEPTION) {
        enum exception_merge merge = events_merge(first->vector, vector);

        if (merge == MERGE_TRIPLE_FAULT) {
            vm_crash(vcpu->vm, vcpu, "triple fault (exception %u while delivering %u)", vector,
                     first->vector);
            return;
        }
        vcpu->interrupted.kind = EVENT_NONE;
        if (merge == MERGE_DOUBLE_FAULT) {
            vector = VECTOR_DF;
            has_error_code = true;
            error_code = 0;
        }
    }
    vcpu->exception = (struct vm_event){.kind = EVENT_EXCEPTION,
                                        .vector = vector,
                                        .has_error_code = has_error_code,
                                        .error_code = error_code};
    vcpu->events_pending = true;
}

void vcpu_inject_gp(struct vcpu *vcpu)
{
    vcpu_inject_exception(vcpu, VECTOR_GP, true, 0);
}

void vcpu_inject_ud(struct vcpu *vcpu)
{
    vcpu_inject_exception(vcpu, VECTOR_UD, false, 0);
}

void vcpu_inject_pf(struct vcpu *vcpu, gva_t address, u32 error_code)
{
    vcpu_inject_exception(vcpu, VECTOR_PF, true, error_code);
    if (vcpu->exception.vector == VECTOR_PF) {
        vcpu->exception.address = address.v;
        hvm->reg_set(vcpu, HVM_CR2, address.v);
    }
}

void vcpu_advance(struct vcpu *vcpu, unsigned insn_len)
{
    const struct vm_exit *exit = &vcpu->exit;
    u64 rip = exit->rip + insn_len;

    /* Outside long mode RIP wraps at 4 GiB. */
    if (unlikely(((rip ^ exit->rip) >> 32) != 0) && (hvm->reg_get(vcpu, HVM_EFER) & EFER_LMA) == 0)
        rip = (u32)rip;
    hvm->reg_set(vcpu, HVM_RIP, rip);
    if (unlikely(exit->in_shadow))
        hvm->reg_set(vcpu, HVM_INTR_SHADOW, 0);
    if (unlikely((exit->rflags & RFLAGS_TF) != 0)) {
        hvm->reg_set(vcpu, HVM_DR6, hvm->reg_get(vcpu, HVM_DR6) | DR6_BS);
        vcpu_inject_exception(vcpu, VECTOR_DB, false, 0);
    }
}
