/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saving and restoring guests' x87, SSE and AVX registers. The hypervisor itself uses none of them
 * (-mgeneral-regs-only), so they stay loaded across exits and are switched only with the vCPU.
 *
 * Spec: APM vol. 2 "Saving and Restoring Processor State", "XSAVE/XRSTOR Instructions".
 */
#ifndef SOCLE_X86_FPU_H
#define SOCLE_X86_FPU_H

#include "core/lib/types.h"

/* Reads sizes and components. Context: boot CPU, by cpu_features_enable. */
void fpu_cpu_init(void);

/* Size of a save area holding every component the host offers; its alignment is 64 bytes. */
u32 fpu_area_bytes(void);

/* Components guests may enable in XCR0; 0 if the CPU has no XSAVE. */
u64 fpu_xcr0_supported(void);

/* Writes the state after reset (FCW 037fh, MXCSR 1f80h). */
void fpu_area_init(void *area);

/* Context: interrupts off or the owner's task; XCR0 is set to all supported components around the
 * transfer. */
void fpu_save(void *area);
void fpu_restore(const void *area);

#endif
