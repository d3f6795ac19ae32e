/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls on other pCPUs, by inter-processor interrupt. */
#ifndef SOCLE_KERN_WORK_H
#define SOCLE_KERN_WORK_H

#include "core/lib/types.h"

/*
 * Runs fn(arg) in interrupt context on every online pCPU, the caller's included, and returns when
 * all are done. Context: task with interrupts on, no lock held that fn or an interrupt handler
 * takes.
 */
void work_call_all(void (*fn)(void *arg), void *arg);

/* Makes pCPU `pcpu` leave guest mode or idle and look at its flags again. Context: any. */
void work_kick(u32 pcpu);

/* Makes a guest that runs on pCPU `pcpu` take in the interrupts requested of it, without an exit;
 * nothing happens if none runs there. Only where hvm_caps.has_posted_irqs. Context: any. */
void work_post_irqs(u32 pcpu);

#endif
