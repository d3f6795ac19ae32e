/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of an application processor: real mode → long mode → kernel, without touching low memory but its page.
 *
 * Spec: SDM vol. 3 "MP Initialization Protocol Algorithm"; APM vol. 2 "Initializing Long Mode".
 */
#define PARAMS       0xf00
#define HANDOVER_CR3 (PARAMS + 0)
#define KERNEL_CR3   (PARAMS + 8)
#define STACK_TOP    (PARAMS + 16)
#define ENTRY        (PARAMS + 24)
#define ARG          (PARAMS + 32)

#define CR0_PE    0x00000001
#define CR0_MP    0x00000002
#define CR0_NE    0x00000020
#define CR0_WP    0x00010000
#define CR0_PG    0x80000000
#define CR4_PAE   0x20
#define MSR_EFER  0xc0000080
#define EFER_LME  0x100
#define EFER_NXE  0x800

    .section .rodata.ap_trampoline, "a"
    .balign 16
    .global ap_trampoline_start
ap_trampoline_start:
    .code16
    cli
    cld
    mov %cs, %ax            /* CS = page >> 4: the only clue to where the code runs */
    mov %ax, %ds
    xor %ebx, %ebx
    mov %ax, %bx
    shl $4, %ebx            /* EBX = physical address of the page, to the end */

    /* The GDT pointer and the far jump hold offsets from the page; make them addresses. */
    lea (gdt - ap_trampoline_start)(%ebx), %eax
    mov %eax, (gdt_base - ap_trampoline_start)
    lea (start64 - ap_trampoline_start)(%ebx), %eax
    mov %eax, (far_offset - ap_trampoline_start)
    lgdtl (gdt_limit - ap_trampoline_start)

    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov HANDOVER_CR3, %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $(EFER_LME | EFER_NXE), %eax
    wrmsr
    mov $(CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG), %eax
    mov %eax, %cr0          /* straight from real to long mode: allowed by both manuals */
    ljmpl *(far_offset - ap_trampoline_start)

    .code64
start64:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    mov %ebx, %ebx          /* clears the upper half */
    mov KERNEL_CR3(%rbx), %rax
    mov STACK_TOP(%rbx), %rcx
    mov ENTRY(%rbx), %rdx
    mov ARG(%rbx), %rdi
    movabs $ap_entry, %rsi
    jmp *%rsi               /* the final tables have no identity map: switch in the kernel half */

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 0x08: 64-bit code */
gdt_end:
    .balign 4
gdt_limit:
    .word gdt_end - gdt - 1
gdt_base:
    .long 0
far_offset:
    .long 0
    .word 0x08
    .global ap_trampoline_end
ap_trampoline_end:
    /* The assembler refuses a negative skip: the code must not run into its parameters. */
    .skip PARAMS - (ap_trampoline_end - ap_trampoline_start)

    .section .text.entry, "ax"
ap_entry:
    mov %rax, %cr3
    mov %rcx, %rsp
    xor %ebp, %ebp
    call *%rdx
1:  cli
    hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
