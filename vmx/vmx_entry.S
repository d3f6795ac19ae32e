/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch: loads the guest's registers, VMLAUNCH or VMRESUME, saves them again.
 *
 * Interrupts are off from the caller's last look at its requests to the entry, which physical interrupts end
 * at once (external-interrupt exiting asks no IF). An exit leaves IF clear, so the interrupt that caused it
 * waits for the caller to turn interrupts on. The exit has loaded the host's TR, GS and IDT: NMI and #MC
 * handlers may run right after it.
 *
 * Spec: SDM 3C "VM Entries", "VM Exits"; "VMLAUNCH/VMRESUME" for the flags after a failed entry.
 */

#include "core/x86/guest_switch.inc"

#define HOST_RSP 0x6c14

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
    mov GPR_RAX(%rdi), %rax
    LOAD_GUEST_GPRS
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
    mov %rcx, GPR_RAX(%rax)
    SAVE_GUEST_GPRS
    xor %eax, %eax
.Lleave:
    CLEAR_GUEST_GPRS
    FILL_RETURN_STACK

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
