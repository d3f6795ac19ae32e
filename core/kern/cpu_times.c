/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the counters the idle loop and the vCPU loops keep. */
#include "core/kern/cpu_times.h"

#include "core/kern/timer.h"
#include "core/x86/percpu.h"

bool cpu_times_get(u32 pcpu, struct cpu_times *out)
{
    const struct pcpu *p = pcpu_get(pcpu);
    u64 now = time_ns(), since;

    if (p == NULL)
        return false;
    since = __atomic_load_n(&p->idle_since_ns, __ATOMIC_RELAXED);
    out->guest_ns = p->guest_ns;
    out->idle_ns = p->idle_ns + (since != 0 && since < now ? now - since : 0);
    out->host_ns = now > out->guest_ns + out->idle_ns ? now - out->guest_ns - out->idle_ns : 0;
    return true;
}
