/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does an endless chain of faults inside fault delivery keep the vCPU interruptible from
 * outside? Manual: CVE-2015-5307 (#AC) and CVE-2015-8104 (#DB). It never ends by itself; the test
 * powers it off.
 */
#include "tests/guests/lib/guest.h"

#define IST1_OFFSET 0x24
#define GATE_IST1   (1ull << 32)
#define TSS_BYTES   104u
#define SELECTOR    0x18

struct table {
    u16 limit;
    u64 base;
} __attribute__((packed));

static u64 own_idt[512] __attribute__((aligned(16)));
static u64 own_gdt[5];
static u8 tss[TSS_BYTES] __attribute__((aligned(16)));
static u8 stack[4096] __attribute__((aligned(16)));

/* Without a stack of its own each #DB would push below the last, until there is no memory left. */
static void load_tss(void)
{
    u64 base = (u64)tss, top = (u64)(stack + sizeof stack);
    struct table table = {sizeof own_gdt - 1, (u64)own_gdt}, old;

    __asm__ volatile("sgdt %0" : "=m"(old));
    for (unsigned i = 0; i < 3; i++)
        own_gdt[i] = ((u64 *)old.base)[i];
    own_gdt[3] =
        (TSS_BYTES - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    own_gdt[4] = base >> 32;
    for (unsigned i = 0; i < 8; i++)
        tss[IST1_OFFSET + i] = (u8)(top >> (8 * i));
    __asm__ volatile("lgdt %0" ::"m"(table));
    __asm__ volatile("ltr %0" ::"r"((u16)SELECTOR));
}

void guest_main(void)
{
    u64 handler = 0, watched = (u64)own_idt + 16;
    struct table table;

    load_tss();
    __asm__ volatile("sidt %0" : "=m"(table));
    for (unsigned i = 0; i < 512; i++)
        own_idt[i] = ((u64 *)table.base)[i];
    table.base = (u64)own_idt;
    __asm__ volatile("lea 1f(%%rip), %0\n jmp 2f\n1: jmp 1b\n2:" : "=r"(handler));
    own_idt[2] = (handler & 0xffff) | (0x08ull << 16) | GATE_IST1 | (0x8e00ull << 32) |
                 ((handler & 0xffff0000) << 32);
    own_idt[3] = handler >> 32;
    __asm__ volatile("lidt %0" ::"m"(table));
    print("looping in debug exceptions\n");

    /* A data breakpoint on the #DB gate itself: delivering #DB reads it. */
    __asm__ volatile("mov %0, %%dr0\n mov %1, %%dr7" ::"r"(watched), "r"(0x000b0003ull));
    (void)*(volatile u64 *)watched;
    for (;;)
        (void)*(volatile u64 *)watched;
}
