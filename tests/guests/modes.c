/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can a guest leave long mode for protected mode, PAE paging and real mode, and come
 * back? Manual: SDM 3A "Mode Switching", "Initializing IA-32e Mode". A failure means that firmware
 * and boot loaders cannot run.
 */
#include "tests/guests/lib/guest.h"

/* Everything the trip needs lies below 64 KiB, where real mode reaches it. */
#define TRIP_CODE ((u8 *)0x8000)
#define PAE_PDPT  ((volatile u64 *)0xa000)
#define PAE_PD    ((volatile u64 *)0xb000)
#define ALIAS     0x40200000u /* in the second GiB: maps the first 2 MiB */
#define WITNESS   ((volatile u32 *)0xc000)
#define TRACE     ((volatile u32 *)0xc010) /* one word a stage */
#define STAGES    6

extern const u8 trip_begin[], trip_end[];

/*
 * rdi: CR3 to come back to. Runs at TRIP_CODE; leaves a mark in TRACE at each stage: 1 protected
 * mode without paging, 2 PAE paging (the alias must show the witness), 3 paging off again, 4 real
 * mode with an interrupt through its vector table, 5 CPUID and a port there, 6 protected mode.
 */
__asm__(".section .rodata\n"
        ".global trip_begin, trip_end\n"
        ".set base, 0x8000\n"
        "trip_begin:\n"
        ".code64\n"
        "    push %rbx\n"
        "    push %rbp\n"
        "    mov %edi, %ebp\n"
        "    mov %rsp, 0xc080\n"
        "    sgdt 0xc0a0\n"
        "    sidt 0xc0b0\n"
        "    lgdt (trip_gdtr - trip_begin + base)\n"
        "    pushq $0x18\n"
        "    pushq $(in_compat - trip_begin + base)\n"
        "    lretq\n"
        ".code32\n"
        "in_compat:\n"
        "    mov $0x10, %eax\n"
        "    mov %eax, %ds\n"
        "    mov %eax, %es\n"
        "    mov %eax, %ss\n"
        "    mov %cr0, %eax\n"
        "    and $0x7fffffff, %eax\n"
        "    mov %eax, %cr0\n"
        "    mov $0xc0000080, %ecx\n"
        "    rdmsr\n"
        "    test $0x400, %eax\n" /* LMA must have gone with paging */
        "    jnz stuck\n"
        "    and $0xfffffeff, %eax\n"
        "    wrmsr\n"
        "    movl $1, 0xc010\n"
        "    mov $0xa000, %eax\n"
        "    mov %eax, %cr3\n"
        "    mov %cr0, %eax\n"
        "    xor $0x20, %eax\n" /* NE as well: a bit that may be the host's */
        "    or $0x80000000, %eax\n"
        "    mov %eax, %cr0\n"
        "    mov 0x4020c000, %eax\n"
        "    cmp %eax, 0xc000\n"
        "    jne stuck\n"
        "    movl $2, 0xc014\n"
        "    mov %cr0, %eax\n"
        "    xor $0x20, %eax\n"
        "    and $0x7fffffff, %eax\n"
        "    mov %eax, %cr0\n"
        "    movl $3, 0xc018\n"
        "    lidt (trip_ivtr - trip_begin + base)\n"
        "    movl $(in_vector - trip_begin + base), 0x100\n" /* vector 40h: segment 0 */
        "    ljmp $0x20, $(in_16 - trip_begin + base)\n"
        ".code16\n"
        "in_16:\n"
        "    mov $0x28, %ax\n"
        "    mov %ax, %ds\n"
        "    mov %ax, %es\n"
        "    mov %ax, %ss\n"
        "    mov $0x7000, %sp\n"
        "    mov %cr0, %eax\n"
        "    and $0xfffffffe, %eax\n"
        "    mov %eax, %cr0\n"
        "    ljmp $0, $(in_real - trip_begin + base)\n"
        "in_real:\n"
        "    xor %ax, %ax\n"
        "    mov %ax, %ds\n"
        "    mov %ax, %ss\n"
        "    int $0x40\n"
        "    mov $0xc00, %ax\n" /* segment arithmetic: C00h:0020h is C020h */
        "    mov %ax, %ds\n"
        "    xor %eax, %eax\n"
        "    cpuid\n"
        "    mov $0x80, %dx\n"
        "    in %dx, %al\n"
        "    movl $5, 0x20\n"
        "    xor %ax, %ax\n"
        "    mov %ax, %ds\n"
        "    mov %cr0, %eax\n"
        "    or $1, %eax\n"
        "    mov %eax, %cr0\n"
        "    ljmpl $0x18, $(in_protected - trip_begin + base)\n"
        "in_vector:\n"
        "    movl $4, 0xc01c\n"
        "    iretw\n"
        ".code32\n"
        "in_protected:\n"
        "    mov $0x10, %eax\n"
        "    mov %eax, %ds\n"
        "    mov %eax, %es\n"
        "    mov %eax, %ss\n"
        "    movl $6, 0xc024\n"
        "    mov %ebp, %cr3\n"
        "    mov $0xc0000080, %ecx\n"
        "    rdmsr\n"
        "    or $0x100, %eax\n"
        "    wrmsr\n"
        "    mov %cr0, %eax\n"
        "    or $0x80000000, %eax\n"
        "    mov %eax, %cr0\n"
        "    ljmp $0x08, $(in_long - trip_begin + base)\n"
        "stuck:\n"
        "    movl $0xbad, 0xc028\n"
        "    ud2\n" /* without an IDT for this mode: the VM ends, with TRACE to tell where */
        ".code64\n"
        "in_long:\n"
        "    lgdt 0xc0a0\n"
        "    lidt 0xc0b0\n"
        "    mov 0xc080, %rsp\n"
        "    mov $0x10, %eax\n"
        "    mov %eax, %ds\n"
        "    mov %eax, %es\n"
        "    mov %eax, %ss\n"
        "    pop %rbp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".balign 8\n"
        "trip_gdt:\n"
        "    .quad 0\n"
        "    .quad 0x00af9b000000ffff\n" /* 08h: 64-bit code */
        "    .quad 0x00cf93000000ffff\n" /* 10h: data, 4 GiB */
        "    .quad 0x00cf9b000000ffff\n" /* 18h: 32-bit code */
        "    .quad 0x00009b000000ffff\n" /* 20h: 16-bit code */
        "    .quad 0x000093000000ffff\n" /* 28h: data, 64 KiB */
        "trip_gdtr:\n"
        "    .word 47\n"
        "    .quad trip_gdt - trip_begin + base\n"
        "trip_ivtr:\n"
        "    .word 0x3ff\n"
        "    .quad 0\n"
        "trip_end:\n"
        ".text\n");

static u64 read_cr3(void)
{
    u64 v;
    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

static void build_pae_tables(void)
{
    for (unsigned i = 0; i < 4; i++)
        PAE_PDPT[i] = i < 2 ? 0xb001 : 0; /* both GiB through one directory */
    for (unsigned i = 0; i < 512; i++)
        PAE_PD[i] = 0;
    PAE_PD[0] = 0x83;                   /* identity */
    PAE_PD[(ALIAS >> 21) & 511] = 0x83; /* and the alias */
}

void guest_main(void)
{
    void (*trip)(u64 cr3) = (void (*)(u64))TRIP_CODE;

    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < (unsigned)(trip_end - trip_begin); i++)
            TRIP_CODE[i] = trip_begin[i];
        build_pae_tables();
        *WITNESS = 0x50c1e000 + round;
        for (unsigned i = 0; i < STAGES; i++)
            TRACE[i] = 0;
        trip(read_cr3());
        for (unsigned i = 0; i < STAGES; i++)
            EXPECT_EQ(TRACE[i], i + 1);
    }
}
