/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds up where the time of vCPUs went; private to core/vmm. */
#ifndef SOCLE_VMM_VCPU_TIMES_H
#define SOCLE_VMM_VCPU_TIMES_H

#include "core/vm/vcpu.h"
#include "core/vmm/vmm.h"

static inline void vcpu_times_add(struct vcpu_times *sum, const struct vcpu *vcpu)
{
    struct task_times times = task_times(&vcpu->task);

    sum->run_ns += times.run_ns;
    sum->halted_ns += vcpu->halted_ns;
    sum->waited_ns += times.wait_ns;
    sum->limited_ns += times.limited_ns;
}

#endif
