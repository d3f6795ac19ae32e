/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of every micro-guest: PVH (32-bit, flat, paging off) to long mode with 4 GiB identity-mapped.
 *
 * Spec: PVH boot protocol (ELF note XEN_ELFNOTE_PHYS32_ENTRY); APM vol. 2 "Initializing Long Mode".
 */
    .section .note.pvh, "a", @note
    .align 4
    .long 4                 /* name size */
    .long 4                 /* descriptor size */
    .long 18                /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long guest_start32

    .section .text.start, "ax"
    .code32
    .global guest_start32
guest_start32:
    cli
    cld
    mov $stack_top, %esp
    mov %ebx, start_info    /* address of struct hvm_start_info */
    rdtsc
    mov %eax, entry_tsc
    mov %edx, entry_tsc + 4

    /* One PML4 and one PDPT entry chain to four page directories of 2 MiB pages. */
    movl $(pdpt + 3), pml4
    mov $4, %ecx
    mov $pdpt, %edi
    mov $(page_directories + 3), %eax
1:  mov %eax, (%edi)
    add $8, %edi
    add $4096, %eax
    loop 1b
    mov $2048, %ecx
    mov $page_directories, %edi
    mov $0x83, %eax         /* present, writable, 2 MiB */
2:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    loop 2b

    mov $pml4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax         /* PAE, OSFXSR, OSXMMEXCPT */
    mov %eax, %cr4
    mov $0xc0000080, %ecx   /* EFER */
    rdmsr
    or $0x100, %eax         /* LME */
    wrmsr
    mov %cr0, %eax
    and $0xfffffffb, %eax   /* EM off */
    or $0x80000003, %eax    /* PG, MP, PE */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $0x08, $start64

    .code64
start64:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $stack_top, %rsp
    xor %ebp, %ebp
    call guest_boot
3:  hlt
    jmp 3b

/*
 * Exception and interrupt stubs, 16 bytes apart: push a zero where the CPU pushes no error code, push the
 * vector, go on in one place. Vectors 8, 10–14, 17, 21, 29 and 30 have error codes.
 */
    .align 16
    .global isr_stubs
isr_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    push $0
    .endif
    push $vector
    jmp isr_common
    .set vector, vector + 1
    .endr

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
    mov %rsp, %rbp
    and $-16, %rsp
    cld
    call guest_trap
    mov %rbp, %rsp
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
    add $16, %rsp
    iretq

    .section .rodata
    .align 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 0x08: 64-bit code */
    .quad 0x00cf93000000ffff /* 0x10: data */
    .quad 0x00cf9b000000ffff /* 0x18: 32-bit code */
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .quad gdt

    .section .bss
    .align 4096
    .global pml4
pml4:             .skip 4096
pdpt:             .skip 4096
    .global page_directories
page_directories: .skip 4 * 4096
stack:            .skip 16384
stack_top:
    .global start_info, entry_tsc
start_info:       .skip 8
entry_tsc:        .skip 8

    .section .note.GNU-stack, "", @progbits
