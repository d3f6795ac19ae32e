/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task_switch(u64 *save_rsp, u64 load_rsp): leaves one task's stack for another's.
 * Only callee-saved registers: for the compiler this is an ordinary call.
 */
    .text
    .global task_switch
task_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

    .global task_first_entry
task_first_entry:           /* a new task's stack makes task_switch return to here */
    xor %ebp, %ebp
    call task_begin
    ud2

    .section .note.GNU-stack, "", @progbits
