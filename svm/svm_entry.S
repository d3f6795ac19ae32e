/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch: loads the guest's registers, VMRUN, saves them again.
 *
 * Interrupts. With V_INTR_MASKING the host's RFLAGS.IF at VMRUN decides whether a physical interrupt ends the
 * guest's run, so IF must be 1 there, and yet no interrupt may be taken between the caller's last look at its
 * requests and VMRUN. CLGI holds interrupts and NMIs back, then STI makes IF 1; VMRUN sets GIF in the guest
 * and #VMEXIT clears it. On the way out CLI comes before STGI, so the interrupt that caused the exit waits
 * for the caller to turn interrupts on, while a pending NMI is taken by the host's handler right at STGI.
 * NMI and #MC handlers need the host's TR (interrupt stacks) and GS (per-CPU data), hence VMLOAD before STGI.
 *
 * Spec: APM 2 "VMRUN Instruction", "Global Interrupt Flag, STGI and CLGI Instructions".
 */

#include "core/x86/guest_switch.inc"

    .text
    .global svm_enter_guest
    .type svm_enter_guest, @function
/* rdi: gpr array, rsi: guest's VMCB, rdx: host's VMCB */
svm_enter_guest:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdx
    push %rdi

    clgi
    sti
    mov %rsi, %rax
    vmload %rax

    LOAD_GUEST_GPRS
    vmrun %rax

    /* GIF is 0, IF is 1, RAX is the guest's VMCB again, RSP the host's. */
    vmsave %rax
    mov 8(%rsp), %rax
    vmload %rax
    mov (%rsp), %rax
    mov %rcx, GPR_RCX(%rax)
    SAVE_GUEST_GPRS
    xor %eax, %eax
    CLEAR_GUEST_GPRS
    FILL_RETURN_STACK

    cli
    stgi
    add $16, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size svm_enter_guest, . - svm_enter_guest
    .section .note.GNU-stack, "", @progbits
