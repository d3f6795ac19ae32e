/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a VM's CPUs forget translations.
 *
 * Every vCPU is asked to flush. One that is in the guest is kicked out of it, and waited for, which
 * takes as long as an interrupt; the others will see the request before they enter again
 * (vcpu_request.c says why). A vCPU that moves to another pCPU flushes there anyway.
 */
#include "core/vm/vm_memory.h"

#include "core/kern/work.h"
#include "core/vm/vm.h"
#include "core/x86/insn.h"
#include "core/x86/percpu.h"

/* True from the request on until the vCPU has left the guest. */
static bool may_remember(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST) != 0 &&
           (__atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) & VCPU_REQ_FLUSH) != 0;
}

/* As vcpu_request, but whoever sleeps goes on sleeping. */
static void request_flush(struct vcpu *vcpu)
{
    __atomic_fetch_or(&vcpu->requests, VCPU_REQ_FLUSH, __ATOMIC_SEQ_CST);
    if (may_remember(vcpu) && task_pcpu(&vcpu->task) != this_pcpu()->id)
        work_kick(task_pcpu(&vcpu->task));
}

void vm_memory_release(struct vm *vm, struct gmem_batch *batch)
{
    if (batch->count == 0)
        return;
    for (u32 i = 0; i < vm->vcpu_count; i++)
        request_flush(vm->vcpus[i]);
    for (u32 i = 0; i < vm->vcpu_count; i++)
        while (may_remember(vm->vcpus[i]))
            cpu_pause();
    gmem_release(&vm->gmem, batch);
}
