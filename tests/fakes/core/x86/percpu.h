/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces core/x86/percpu.h in unit tests: the test says which pCPU it stands for. */
#ifndef SOCLE_FAKES_PERCPU_H
#define SOCLE_FAKES_PERCPU_H

#define this_pcpu insn_this_pcpu
#include "../../../../core/x86/percpu.h"
#undef this_pcpu

extern struct pcpu *fake_this_pcpu;

static inline struct pcpu *this_pcpu(void)
{
    return fake_this_pcpu;
}

#endif
