/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps the steal time structure in guest memory. */
#include "core/vm/pv_steal.h"

#include "core/lib/errno.h"
#include "core/vm/pv_publish.h"
#include "core/vm/vm.h"

static bool is_on(const struct vcpu *vcpu)
{
    return (vcpu->pv.steal_time & MSR_PV_ENABLE) != 0;
}

static gpa_t structure(const struct vcpu *vcpu)
{
    return gpa(vcpu->pv.steal_time & ~(u64)(PV_STEAL_ALIGN - 1));
}

/* Guest memory does not go away; if it did, the guest would be told no more. */
static void set_preempted(struct vcpu *vcpu, u8 value, u8 *old)
{
    gpa_t at = gpa(structure(vcpu).v + offsetof(struct pv_steal_time, preempted));

    *old = 0;
    if (gmem_exchange_u8(&vcpu->vm->gmem, at, value, old) != 0)
        vcpu->pv.steal_time = 0;
}

static void publish_steal(struct vcpu *vcpu)
{
    u64 at = structure(vcpu).v, steal = vcpu->task.wait_ns + vcpu->task.limited_ns;

    if (pv_publish(&vcpu->vm->gmem, gpa(at + offsetof(struct pv_steal_time, version)),
                   &vcpu->pv.steal_version, gpa(at + offsetof(struct pv_steal_time, steal)), &steal,
                   sizeof steal) != 0)
        vcpu->pv.steal_time = 0;
}

void pv_steal_loaded(struct vcpu *vcpu)
{
    u8 old;

    if (!is_on(vcpu))
        return;
    /* One step: a note left before it is seen here, and whoever comes later sees a running vCPU and
     * sends an interrupt. */
    set_preempted(vcpu, 0, &old);
    if ((old & PV_FLUSH_TLB) != 0)
        hvm->tlb_flush(vcpu, HVM_TLB_VCPU);
    publish_steal(vcpu);
}

void pv_steal_leaving(struct vcpu *vcpu)
{
    u8 old;

    if (is_on(vcpu))
        set_preempted(vcpu, (u8)PV_PREEMPTED, &old);
}

int pv_steal_set(struct vcpu *vcpu, u64 value)
{
    u64 at = value & ~(u64)(PV_STEAL_ALIGN - 1);
    bool wants_on = (value & MSR_PV_ENABLE) != 0;

    if ((value & (PV_STEAL_ALIGN - 1) & ~MSR_PV_ENABLE) != 0)
        return -EINVAL;
    if (wants_on && !gmem_is_ram(&vcpu->vm->gmem, gpa(at), sizeof(struct pv_steal_time)))
        return -EINVAL;
    vcpu->pv.steal_time = value;
    pv_steal_loaded(vcpu);
    return 0;
}
