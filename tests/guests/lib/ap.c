/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts other CPUs: a trampoline at 8000h, its parameters at 9000h. */
#include "tests/guests/lib/ap.h"

#define TRAMPOLINE ((volatile u8 *)0x8000)
#define MAILBOX    ((volatile u32 *)0x9000) /* CR3, at 8 RSP, at 16 RIP */

extern const u8 ap_begin[], ap_end[];

/* Real mode, CS is the vector's page, to long mode with the boot vCPU's page tables (9000h: CR3).
 */
__asm__(".section .rodata\n"
        ".set ap_base, 0x8000\n"
        "ap_begin:\n"
        ".code16\n"
        "    cli\n"
        "    xor %ax, %ax\n"
        "    mov %ax, %ds\n"
        "    lgdtl (ap_gdtr - ap_begin + ap_base)\n"
        "    mov 0x9000, %eax\n"
        "    mov %eax, %cr3\n"
        "    mov $0x620, %eax\n"
        "    mov %eax, %cr4\n"
        "    mov $0xc0000080, %ecx\n"
        "    rdmsr\n"
        "    or $0x100, %eax\n"
        "    wrmsr\n"
        "    mov $0x80000003, %eax\n"
        "    mov %eax, %cr0\n"
        "    ljmpl $0x08, $(ap_long - ap_begin + ap_base)\n"
        ".code64\n"
        "ap_long:\n"
        "    mov $0x10, %eax\n"
        "    mov %eax, %ds\n"
        "    mov %eax, %es\n"
        "    mov %eax, %ss\n"
        "    xor %eax, %eax\n"
        "    mov %eax, %fs\n"
        "    mov %eax, %gs\n"
        "    mov 0x9008, %rsp\n"
        "    mov 0x9010, %rax\n"
        "    jmp *%rax\n"
        ".balign 8\n"
        "ap_gdt:\n"
        "    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
        "ap_gdtr:\n"
        "    .word 23\n"
        "    .long ap_gdt - ap_begin + ap_base\n"
        "ap_end:\n"
        ".text\n");

static u8 stacks[AP_MAX][4096] __attribute__((aligned(16)));
static void (*ap_entry)(void);
static struct {
    u16 limit;
    u64 base;
} __attribute__((packed)) idt;

static void ap_first(void)
{
    __asm__ volatile("lidt %0" ::"m"(idt));
    lapic_enable();
    ap_entry();
}

static void send(u32 id, u32 low)
{
    lapic_write(LAPIC_ICR_HIGH, id << 24);
    lapic_write(LAPIC_ICR_LOW, low);
}

void ap_start(u32 id, void (*entry)(void))
{
    u64 cr3;

    for (u32 i = 0; i < (u32)(ap_end - ap_begin); i++)
        TRAMPOLINE[i] = ap_begin[i];
    __asm__ volatile("sidt %0" : "=m"(idt));
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    ap_entry = entry;
    MAILBOX[0] = (u32)cr3;
    *(volatile u64 *)(MAILBOX + 2) = (u64)(stacks[id] + sizeof stacks[id]) - 8;
    *(volatile u64 *)(MAILBOX + 4) = (u64)ap_first;
    send(id, 0x4500); /* INIT */
    send(id, 0x4608); /* start-up at 8000h */
}
