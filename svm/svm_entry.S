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
 * Speculation. After the exit all registers still hold the guest's values, and the return-stack buffer its
 * return addresses: the former are cleared, the latter are overwritten by 32 calls before the first RET.
 *
 * Spec: APM 2 "VMRUN Instruction", "Global Interrupt Flag, STGI and CLGI Instructions".
 */

#define GPR_RCX (1 * 8)
#define GPR_RDX (2 * 8)
#define GPR_RBX (3 * 8)
#define GPR_RBP (5 * 8)
#define GPR_RSI (6 * 8)
#define GPR_RDI (7 * 8)
#define GPR_R8  (8 * 8)
#define GPR_R9  (9 * 8)
#define GPR_R10 (10 * 8)
#define GPR_R11 (11 * 8)
#define GPR_R12 (12 * 8)
#define GPR_R13 (13 * 8)
#define GPR_R14 (14 * 8)
#define GPR_R15 (15 * 8)

#define RSB_ENTRIES 32

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

    mov GPR_RCX(%rdi), %rcx
    mov GPR_RDX(%rdi), %rdx
    mov GPR_RBX(%rdi), %rbx
    mov GPR_RBP(%rdi), %rbp
    mov GPR_RSI(%rdi), %rsi
    mov GPR_R8(%rdi), %r8
    mov GPR_R9(%rdi), %r9
    mov GPR_R10(%rdi), %r10
    mov GPR_R11(%rdi), %r11
    mov GPR_R12(%rdi), %r12
    mov GPR_R13(%rdi), %r13
    mov GPR_R14(%rdi), %r14
    mov GPR_R15(%rdi), %r15
    mov GPR_RDI(%rdi), %rdi
    vmrun %rax

    /* GIF is 0, IF is 1, RAX is the guest's VMCB again, RSP the host's. */
    vmsave %rax
    mov 8(%rsp), %rax
    vmload %rax
    mov (%rsp), %rax
    mov %rcx, GPR_RCX(%rax)
    mov %rdx, GPR_RDX(%rax)
    mov %rbx, GPR_RBX(%rax)
    mov %rbp, GPR_RBP(%rax)
    mov %rsi, GPR_RSI(%rax)
    mov %rdi, GPR_RDI(%rax)
    mov %r8, GPR_R8(%rax)
    mov %r9, GPR_R9(%rax)
    mov %r10, GPR_R10(%rax)
    mov %r11, GPR_R11(%rax)
    mov %r12, GPR_R12(%rax)
    mov %r13, GPR_R13(%rax)
    mov %r14, GPR_R14(%rax)
    mov %r15, GPR_R15(%rax)
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d

    /* Each call pushes the address of an INT3, where a mispredicted return stops. */
    .rept RSB_ENTRIES
    call 1f
    int3
1:
    .endr
    add $(RSB_ENTRIES * 8), %rsp

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
