/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the time of each pCPU went since boot. */
#ifndef SOCLE_KERN_CPU_TIMES_H
#define SOCLE_KERN_CPU_TIMES_H

#include "core/lib/types.h"

struct cpu_times {
    u64 guest_ns;
    u64 idle_ns;
    u64 host_ns; /* the rest */
};

/* Context: any; figures of other pCPUs may be an instant old. Return: false if there is no such
 * pCPU. */
bool cpu_times_get(u32 pcpu, struct cpu_times *out);

#endif
