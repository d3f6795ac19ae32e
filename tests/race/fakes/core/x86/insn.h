/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces core/x86/insn.h in race tests: a thread has no interrupts, and sleeps where a pCPU
 * spins: with more threads than free CPUs, the one waited for must get one. A thread that yields
 * does not give it way on a loaded machine, where a ticket lock then costs a time slice each time
 * it changes hands. */
#ifndef SOCLE_RACE_INSN_H
#define SOCLE_RACE_INSN_H

#include <time.h>

#define irq_save    insn_irq_save
#define irq_restore insn_irq_restore
#define cpu_pause   insn_cpu_pause
#include "../../../../../core/x86/insn.h"
#undef irq_save
#undef irq_restore
#undef cpu_pause

static inline u64 irq_save(void)
{
    return 0;
}

static inline void irq_restore(u64 flags)
{
    (void)flags;
}

static inline void cpu_pause(void)
{
    const struct timespec moment = {.tv_nsec = 1};

    nanosleep(&moment, NULL);
}

#endif
