/* SPDX-License-Identifier: BSD-2-Clause */
/* Initialisation of core/kern, for core/main.c, and entry points its own files share. */
#ifndef SOCLE_KERN_KERN_H
#define SOCLE_KERN_KERN_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Interrupt dispatch; boot CPU, once. */
void irq_init(void);

/* This CPU's timer queue and run queue; each CPU, interrupts off. */
void timer_cpu_init(void);
void task_cpu_init(void);

/* Turns the calling boot context into this CPU's idle task. Does not return. */
noreturn void task_idle_loop(void);

/* Interrupt handlers of fixed vectors; interrupts off. */
void timer_interrupt(void);
void work_interrupt(void);

#endif
