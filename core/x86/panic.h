/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the hypervisor: a page with build, reason, registers and backtrace on every console.
 *
 * Only broken invariants of the host come here. Other CPUs are stopped by NMI; a fault inside the
 * panic itself skips what is left to print.
 */
#ifndef SOCLE_X86_PANIC_H
#define SOCLE_X86_PANIC_H

#include "core/lib/compiler.h"
#include "core/x86/idt.h"

noreturn void panic(const char *fmt, ...) printf_like(1, 2);
noreturn void panic_exception(const struct interrupt_frame *frame);

/* Prints more on the panic page (trace rings); called with interrupts off. At most one. */
void panic_on_print(void (*fn)(void (*line)(const char *text)));

#endif
