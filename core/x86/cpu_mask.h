/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of pCPUs: a bit for each number. */
#ifndef SOCLE_X86_CPU_MASK_H
#define SOCLE_X86_CPU_MASK_H

#include "core/config.h"
#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct cpu_mask {
    u64 bits[PCPUS_MAX / 64];
};

/* The number must be below PCPUS_MAX in both. */
static inline void cpu_mask_add(struct cpu_mask *mask, u32 cpu)
{
    mask->bits[cpu / 64] |= BIT(cpu % 64);
}

static inline bool cpu_mask_has(const struct cpu_mask *mask, u32 cpu)
{
    return (mask->bits[cpu / 64] & BIT(cpu % 64)) != 0;
}

static inline bool cpu_mask_is_empty(const struct cpu_mask *mask)
{
    u64 any = 0;

    for (u32 i = 0; i < PCPUS_MAX / 64; i++)
        any |= mask->bits[i];
    return any == 0;
}

static inline u32 cpu_mask_count(const struct cpu_mask *mask)
{
    u32 count = 0;

    for (u32 cpu = 0; cpu < PCPUS_MAX; cpu++)
        count += cpu_mask_has(mask, cpu);
    return count;
}

static inline struct cpu_mask cpu_mask_without(const struct cpu_mask *mask,
                                               const struct cpu_mask *less)
{
    struct cpu_mask left;

    for (u32 i = 0; i < PCPUS_MAX / 64; i++)
        left.bits[i] = mask->bits[i] & ~less->bits[i];
    return left;
}

#endif
