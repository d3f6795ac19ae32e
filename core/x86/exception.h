/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions of the hypervisor itself: expected ones are fixed up, all others end in a panic. */
#ifndef SOCLE_X86_EXCEPTION_H
#define SOCLE_X86_EXCEPTION_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/idt.h"

void exception_handle(struct interrupt_frame *frame);

/* Reads or writes an MSR that may not exist. Return: 0, -EFAULT (#GP). */
int rdmsr_safe(u32 msr, u64 *value) must_check;
int wrmsr_safe(u32 msr, u64 value) must_check;

/* What an NMI does on this host: nothing, unless a panic is stopping the other CPUs. */
void exception_on_nmi(void (*handler)(void));

#endif
