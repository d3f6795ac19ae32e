/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First instructions of the hypervisor, on the boot CPU, in the state of boot/README.md:
 * long mode, hand-over page tables, interrupts off, RDI = direct-map address of struct boot_info.
 */
    .section .text.entry, "ax"
    .global kernel_entry
kernel_entry:
    cld
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp          /* ends backtraces */
    call hv_main
1:  cli
    hlt
    jmp 1b

    .section .bss
    .balign 16
boot_stack:
    .skip 32768
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
