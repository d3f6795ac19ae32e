/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt descriptor table, shared by all CPUs, and the frame its stubs build. */
#ifndef SOCLE_X86_IDT_H
#define SOCLE_X86_IDT_H

#include "core/lib/types.h"

/* What isr.S pushes, lowest address first. */
struct interrupt_frame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector;
    u64 error_code; /* 0 where the CPU pushes none */
    u64 rip, cs, rflags, rsp, ss;
};

/* Vectors the host uses. 0x20-0x2f: left to a stray PIC; devices get the range irq.h names. */
#define VECTOR_DEVICE_FIRST 0x30u
#define VECTOR_DEVICE_LAST  0xefu
#define VECTOR_TIMER        0xf0u
#define VECTOR_KICK         0xf1u
#define VECTOR_CALL         0xf2u
#define VECTOR_POSTED       0xf3u /* notifies a guest; in the host it has nothing to do */
#define VECTOR_SPURIOUS     0xffu

/* Fills the table. Context: boot CPU, once. */
void idt_init(void);

/* Loads the table. Context: each CPU. */
void idt_load(void);

/* The kernel's interrupt dispatcher (core/kern/irq.c), called for vectors from 32 up with
 * interrupts off. */
void idt_set_dispatcher(void (*dispatch)(u8 vector));

/* Dispatches an interrupt that a VM exit has acknowledged. Context: interrupts off. */
void idt_dispatch(u8 vector);

/* Called from isr.S. */
void interrupt_entry(struct interrupt_frame *frame);

#endif
