/* SPDX-License-Identifier: BSD-2-Clause */
/* The SVM instructions that C needs; the others live in svm_entry.S. Spec: APM 3 "System
 * Instructions". */
#ifndef SOCLE_SVM_SVM_INSN_H
#define SOCLE_SVM_SVM_INSN_H

#include "core/lib/types.h"

/* Saves FS, GS, TR, LDTR and the system-call MSRs into the VMCB at that address. */
static inline void svm_vmsave(hpa_t vmcb)
{
    __asm__ volatile("vmsave %0" ::"a"(vmcb.v) : "memory");
}

/* Sets the global interrupt flag. */
static inline void svm_stgi(void)
{
    __asm__ volatile("stgi" ::: "memory");
}

/* Raises the host's machine-check handler for a machine check that came while a guest ran. */
static inline void svm_raise_machine_check(void)
{
    __asm__ volatile("int $18" ::: "memory");
}

#endif
