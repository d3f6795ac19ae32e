/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do other vCPUs start by INIT and start-up IPI, in real mode at the vector's page, and
 * do they take IPIs, NMIs and another INIT? Manual: SDM 3A "Multiple-Processor Initialization". A
 * failure leaves guests with one CPU, or hangs their shoot-downs.
 */
#include "tests/guests/lib/guest.h"

#define TRAMPOLINE ((u8 *)0x8000)
#define MAILBOX    ((volatile u32 *)0x9000)
#define CPUS_MAX   64u
#define IPI_VECTOR 0x55u
#define ROUNDS     50u
#define PATIENCE   2000000000ull /* TSC ticks */

extern const u8 ap_begin[], ap_end[];
void ap_main(void);

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
static volatile u32 started, ipis[CPUS_MAX], nmis[CPUS_MAX];
static struct {
    u16 limit;
    u64 base;
} __attribute__((packed)) idt;

static u32 my_id(void)
{
    return lapic_read(LAPIC_ID) >> 24;
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

void ap_main(void)
{
    __asm__ volatile("lidt %0" ::"m"(idt));
    lapic_enable();
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    for (;;)
        sti_hlt_cli();
}

static void wait_for(const volatile u32 *word, u32 value)
{
    u64 start = rdtsc();

    while (*word < value) {
        if (rdtsc() - start > PATIENCE)
            failure("word 0x%lx is %u, not %u", (u64)word, *word, value);
        __asm__ volatile("pause");
    }
}

static void send(u32 id, u32 low)
{
    lapic_write(LAPIC_ICR_HIGH, id << 24);
    lapic_write(LAPIC_ICR_LOW, low);
}

static void start(u32 id, u32 nth)
{
    u64 cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    MAILBOX[0] = (u32)cr3;
    *(volatile u64 *)(MAILBOX + 2) = (u64)(stacks[id] + sizeof stacks[id]) - 8;
    *(volatile u64 *)(MAILBOX + 4) = (u64)ap_main;
    send(id, 0x4500); /* INIT */
    send(id, 0x4608); /* start-up at 8000h */
    wait_for(&started, nth);
    send(id, 0x4608); /* a second one finds nobody waiting */
}

void guest_main(void)
{
    u32 count = (cpuid(1, 0).ebx >> 16) & 0xff;

    if (count < 2)
        skip("one CPU");
    pic_disable();
    lapic_enable();
    on_trap(IPI_VECTOR, on_ipi);
    on_trap(2, on_nmi);
    __asm__ volatile("sidt %0" : "=m"(idt));
    for (u32 i = 0; i < (u32)(ap_end - ap_begin); i++)
        TRAMPOLINE[i] = ap_begin[i];
    for (u32 id = 1; id < count; id++)
        start(id, id);

    for (u32 round = 1; round <= ROUNDS; round++) {
        for (u32 id = 1; id < count; id++)
            send(id, 0x4000 | IPI_VECTOR);
        for (u32 id = 1; id < count; id++)
            wait_for(&ipis[id], round);
    }
    lapic_write(LAPIC_ICR_LOW, 0xc4000 | IPI_VECTOR); /* to all but this one */
    for (u32 id = 1; id < count; id++)
        wait_for(&ipis[id], ROUNDS + 1);
    EXPECT_EQ(ipis[0], 0);
    for (u32 id = 1; id < count; id++) {
        send(id, 0x4400);
        wait_for(&nmis[id], 1);
    }
    start(1, count); /* INIT takes a halted one back to the beginning */
    send(1, 0x4000 | IPI_VECTOR);
    wait_for(&ipis[1], ROUNDS + 2);
    print("%u CPUs\n", count);
}
