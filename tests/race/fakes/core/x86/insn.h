/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces core/x86/insn.h in race tests: a thread has no interrupts, and spins politely. */
#ifndef SOCLE_RACE_INSN_H
#define SOCLE_RACE_INSN_H

#include <sched.h>

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
    sched_yield();
}

#endif
