/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets that assembly needs, extracted by the build from this file's compiled text; never linked.
 */
#include "core/x86/percpu.h"

#define DEFINE(sym, val) __asm__ volatile("\n.ascii \"->" #sym " %0\"" ::"i"(val))

void asm_offsets(void);

void asm_offsets(void)
{
    DEFINE(PCPU_SELF, offsetof(struct pcpu, self));
}
