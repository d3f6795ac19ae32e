/* SPDX-License-Identifier: BSD-2-Clause */
/* A hard limit on CPU time that several tasks on several pCPUs have in common. */
#ifndef SOCLE_KERN_CPU_LIMIT_H
#define SOCLE_KERN_CPU_LIMIT_H

#include "core/kern/token_bucket.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/spinlock.h"

struct cpu_limit {
    struct spinlock lock;       /* taken inside a run-queue lock */
    u32 millicpu;               /* (a) written under lock; 0: no limit */
    struct token_bucket bucket; /* lock; of use while there is a limit */
};

/* Full, of so many thousandths of a CPU; 0: no limit yet. Context: any. */
void cpu_limit_init(struct cpu_limit *limit, u32 millicpu, u64 now_ns);

/* Sets another one. Who waits for the old one must be woken, and who runs without, interrupted
 * (task_limit_changed). Context: any. */
void cpu_limit_set(struct cpu_limit *limit, u32 millicpu, u64 now_ns);

static inline bool cpu_limit_is_on(const struct cpu_limit *limit)
{
    return limit != NULL && __atomic_load_n(&limit->millicpu, __ATOMIC_RELAXED) != 0;
}

/* The three below are for a limit that is on, or has just been; interrupts off. */

/* Takes time in advance. Return: how much; 0: none before cpu_limit_ready_ns. */
u64 cpu_limit_take(struct cpu_limit *limit, u64 now_ns);

/* Puts back what was taken, less what was used. */
void cpu_limit_settle(struct cpu_limit *limit, u64 taken_ns, u64 used_ns);

/* When there is time to be taken: now_ns if there is. */
u64 cpu_limit_ready_ns(struct cpu_limit *limit, u64 now_ns);

#endif
