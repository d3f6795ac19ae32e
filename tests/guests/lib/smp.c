/* SPDX-License-Identifier: BSD-2-Clause */
/* Brings CPUs from real mode to a C function, and counts what they are sent. */
#include "tests/guests/lib/smp.h"

#define TRAMPOLINE ((u8 *)(TRAMPOLINE_PAGE << 12))
#define MAILBOX    ((volatile u64 *)0x9000) /* CR3, stack, function */

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

static u8 stacks[CPUS_MAX][4096] __attribute__((aligned(16)));
static struct {
    u16 limit;
    u64 base;
} __attribute__((packed)) idt;
static void (*ap_function)(void);
volatile u32 ipis[CPUS_MAX], nmis[CPUS_MAX];
static volatile bool is_taken; /* the mailbox may be filled again */

static void ap_main(void)
{
    void (*fn)(void) = ap_function;

    __asm__ volatile("lidt %0" ::"m"(idt));
    is_taken = true;
    fn();
}

u32 cpu_count(void)
{
    return (cpuid(1, 0).ebx >> 16) & 0xff;
}

u32 my_id(void)
{
    return lapic_read(LAPIC_ID) >> 24;
}

void wait_for(const volatile u32 *word, u32 value)
{
    u64 start = rdtsc();

    while (*word < value) {
        if (rdtsc() - start > PATIENCE)
            failure("word 0x%lx is %u, not %u", (u64)word, *word, value);
        __asm__ volatile("pause");
    }
}

static void on_ipi(struct trap *t)
{
    (void)t;
    ipis[my_id()]++;
    lapic_write(LAPIC_EOI, 0);
}

static void on_nmi(struct trap *t)
{
    (void)t;
    nmis[my_id()]++;
}

void count_interrupts(u8 vector)
{
    on_trap(vector, on_ipi);
    on_trap(2, on_nmi);
}

void send_ipi(u32 id, u32 low)
{
    lapic_write(LAPIC_ICR_HIGH, id << 24);
    lapic_write(LAPIC_ICR_LOW, low);
}

void cpus_prepare(void)
{
    __asm__ volatile("sidt %0" : "=m"(idt));
    for (u32 i = 0; i < (u32)(ap_end - ap_begin); i++)
        TRAMPOLINE[i] = ap_begin[i];
}

u32 cpus_begin(void)
{
    u32 count = cpu_count();

    if (count < 2)
        skip("one CPU");
    pic_disable();
    lapic_enable();
    cpus_prepare();
    return count;
}

void cpu_start(u32 id, void (*fn)(void))
{
    u64 cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    ap_function = fn;
    MAILBOX[0] = cr3;
    MAILBOX[1] = (u64)(stacks[id] + sizeof stacks[id]) - 8;
    MAILBOX[2] = (u64)ap_main;
    is_taken = false;
    send_ipi(id, ICR_INIT);
    send_ipi(id, ICR_SIPI + TRAMPOLINE_PAGE);
    while (!is_taken)
        __asm__ volatile("pause");
}
