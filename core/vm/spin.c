/* SPDX-License-Identifier: BSD-2-Clause */
/* Spinning vCPUs make room for the ones they wait for. */
#include "core/vm/spin.h"

#include "core/vm/vm.h"

/* It was interrupted while it ran, and not because it spun. Read without lock: a hint. */
static bool may_hold_lock(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->state, __ATOMIC_RELAXED) == VCPU_READY &&
           !__atomic_load_n(&vcpu->is_spinning, __ATOMIC_RELAXED);
}

bool spin_give_way(struct vcpu *vcpu)
{
    const struct vm *vm = vcpu->vm;

    for (u32 i = 0; i < MIN(vm->vcpu_count, SPIN_TRIES); i++) {
        struct vcpu *sibling;

        vcpu->spin_next = (vcpu->spin_next + 1) % vm->vcpu_count;
        sibling = vm->vcpus[vcpu->spin_next];
        if (sibling != vcpu && may_hold_lock(sibling) && task_let_pass(&sibling->task)) {
            vcpu->let_pass++;
            return true;
        }
    }
    return task_others_wait();
}
