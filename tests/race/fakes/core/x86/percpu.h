/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces core/x86/percpu.h in race tests: each thread is a pCPU. */
#ifndef SOCLE_RACE_PERCPU_H
#define SOCLE_RACE_PERCPU_H

#define this_pcpu insn_this_pcpu
#include "../../../../../core/x86/percpu.h"
#undef this_pcpu

extern __thread struct pcpu race_pcpu;

static inline struct pcpu *this_pcpu(void)
{
    return &race_pcpu;
}

#endif
