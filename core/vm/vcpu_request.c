/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others want of a virtual CPU: they leave it a request, and see that it looks.
 *
 * How no request is lost: who asks sets the bit, then looks at in_guest and the state; the loop
 * sets in_guest (or the waiting state), then looks at the bits. Both sides are sequentially
 * consistent, so at least one of them sees the other. A kick that arrives with interrupts off stays
 * pending and ends the next VM entry.
 *
 * Posted interrupts need the same of the way out: who posts them sets has_requests, then looks at
 * in_guest, and where it is set only notifies the CPU, which does nothing once the guest has been
 * left. The loop therefore clears in_guest, then looks at has_requests before it blocks, again both
 * sequentially consistent: were the clearing still on its way to memory when has_requests is read,
 * the poster could see a guest that runs, and the loop no interrupt, and the vCPU would sleep
 * through it.
 *
 * A vCPU may go to another pCPU between two entries, so the kick may go where it no longer is. It
 * is not missed: the pCPU is read after in_guest, and written before in_guest is set there. Who
 * reads an outdated one has thus seen in_guest from before the move, and the bit, set before that,
 * is seen by the check that follows setting in_guest on the new pCPU.
 */
#include "core/kern/work.h"
#include "core/vm/vcpu.h"
#include "core/vm/vm.h"
#include "core/x86/percpu.h"

void vcpu_request(struct vcpu *vcpu, u32 bits)
{
    enum vcpu_state state;

    __atomic_fetch_or(&vcpu->requests, bits, __ATOMIC_SEQ_CST);
    state = __atomic_load_n(&vcpu->state, __ATOMIC_SEQ_CST);
    if (state == VCPU_BLOCKED || state == VCPU_PAUSED ||
        (state == VCPU_READY && (bits & VCPU_REQ_YIELD_ENDS) != 0))
        task_wake(&vcpu->task);
    else if (__atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST) != 0 &&
             task_pcpu(&vcpu->task) != this_pcpu()->id)
        work_kick(task_pcpu(&vcpu->task));
}

/*
 * Why none is lost: the requests were set before this looks at in_guest. Whoever is seen in the
 * guest takes the notification there, or, already on the way out, finds has_requests before its
 * next entry.
 */
void vcpu_notify(struct vcpu *vcpu)
{
    __atomic_store_n(&vcpu->apic->has_requests, 1, __ATOMIC_SEQ_CST);
    if (hvm_caps.has_posted_irqs && __atomic_load_n(&vcpu->in_guest, __ATOMIC_SEQ_CST) != 0 &&
        task_pcpu(&vcpu->task) != this_pcpu()->id)
        work_post_irqs(task_pcpu(&vcpu->task));
    else
        vcpu_request(vcpu, VCPU_REQ_EVENT);
}

void vcpu_init(struct vcpu *vcpu)
{
    __atomic_fetch_and(&vcpu->requests, ~(u32)VCPU_REQ_SIPI, __ATOMIC_SEQ_CST);
    vcpu_request(vcpu, VCPU_REQ_INIT);
}

void vcpu_start_up(struct vcpu *vcpu, u8 vector)
{
    __atomic_store_n(&vcpu->sipi_vector, vector, __ATOMIC_SEQ_CST);
    vcpu_request(vcpu, VCPU_REQ_SIPI);
}

void vcpu_unrequest(struct vcpu *vcpu, u32 bits)
{
    __atomic_fetch_and(&vcpu->requests, ~bits, __ATOMIC_SEQ_CST);
    task_wake(&vcpu->task);
}
