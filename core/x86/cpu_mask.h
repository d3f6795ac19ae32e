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

#endif
