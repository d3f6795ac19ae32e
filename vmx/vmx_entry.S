/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch: loads the guest's registers, VMLAUNCH or VMRESUME, saves them again.
 *
 * Interrupts are off from the caller's last look at its requests to the entry, which physical interrupts end
 * at once (external-interrupt exiting asks no IF). An exit leaves IF clear, so the interrupt that caused it
 * waits for the caller to turn interrupts on. The exit has loaded the host's TR, GS and IDT: NMI and #MC
 * handlers may run right after it.
 *
 * Speculation. After the exit all registers still hold the guest's values, and the return-stack buffer its
 * return addresses: the former are cleared, the latter are overwritten by 32 calls before the first RET.
 *
 * Spec: SDM 3C "VM Entries", "VM Exits"; "VMLAUNCH/VMRESUME" for the flags after a failed entry.
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

#define HOST_RSP    0x6c14
#define RSB_ENTRIES 32

    .text
    .global vmx_enter_guest
    .type vmx_enter_guest, @function
/* rdi: gpr array, sil: is_launched */
vmx_enter_guest:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov $HOST_RSP, %eax
    vmwrite %rsp, %rax
    test %sil, %sil

    /* MOV leaves the flags of TEST alone. */
    mov (%rdi), %rax
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
    jz 1f
    vmresume
    jmp 2f
1:
    vmlaunch
2:
    /* The instruction failed: nothing of the guest has run. */
    mov $1, %eax
    jmp .Lleave
    .size vmx_enter_guest, . - vmx_enter_guest

    .global vmx_exit_point
    .type vmx_exit_point, @function
/* RSP is what HOST_RSP holds, all other registers are the guest's. */
vmx_exit_point:
    push %rax
    mov 8(%rsp), %rax
    mov %rcx, GPR_RCX(%rax)
    pop %rcx
    mov %rcx, (%rax)
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
.Lleave:
    xor %ecx, %ecx
    xor %edx, %edx
    xor %ebx, %ebx
    xor %ebp, %ebp
    xor %esi, %esi
    xor %edi, %edi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d

    /* Each call pushes the address of an INT3, where a mispredicted return stops. */
    .rept RSB_ENTRIES
    call 1f
    int3
1:
    .endr
    add $(RSB_ENTRIES * 8), %rsp

    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size vmx_exit_point, . - vmx_exit_point
    .section .note.GNU-stack, "", @progbits
