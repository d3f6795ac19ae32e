/* SPDX-License-Identifier: BSD-2-Clause */
/* handoff(cr3, entry, boot_info): loads the hand-over page tables and jumps to the hypervisor. */
    .text
    .global handoff
handoff:
    cli
    mov %rdi, %cr3          /* the loader's own code is identity-mapped there */
    mov %rdx, %rdi
    jmp *%rsi

    .section .note.GNU-stack, "", @progbits
