/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt stubs: 256 of 16 bytes each push a vector (and a zero where the CPU pushes no error code), then
 * save the general registers and call interrupt_entry(frame). GS is the kernel's at all times: the hypervisor
 * has no user mode, and guests' GS is swapped before interrupts are possible.
 */
    .section .text, "ax"
    .balign 16
    .global isr_stubs
isr_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    push $0
    .endif
    push $vector
    jmp isr_common
    .set vector, vector + 1
    .endr

    .balign 16
isr_common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rdi
    xor %ebp, %ebp          /* backtraces of handlers end here; panics print the frame itself */
    mov %rsp, %rbx          /* callee-saved: finds the frame again */
    and $-16, %rsp
    cld
    call interrupt_entry
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp           /* vector, error code */
    iretq

    .section .note.GNU-stack, "", @progbits
