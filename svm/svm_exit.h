/* SPDX-License-Identifier: BSD-2-Clause */
/* Translates the exit fields of a VMCB into the neutral record. Pure. */
#ifndef SOCLE_SVM_SVM_EXIT_H
#define SOCLE_SVM_SVM_EXIT_H

#include "core/vm/vm_exit.h"
#include "mm/slat.h"
#include "svm/svm_caps.h"
#include "svm/vmcb.h"

/*
 * Fills every member of *exit that its kind defines. Exits the host handles itself (INTR, NMI, SMI,
 * machine check) give EXIT_HOST_IRQ, those of SVM's own instructions EXIT_UNDEFINED.
 */
void svm_exit_decode(const struct vmcb *vmcb, const struct svm_caps *caps, struct vm_exit *exit);

/* The exit code, cut to what all processors and emulators write. */
static inline u32 svm_exit_code(const struct vmcb *vmcb)
{
    return (u32)vmcb->control.exitcode;
}

#endif
