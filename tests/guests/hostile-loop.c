/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does an endless chain of faults inside fault delivery keep the vCPU interruptible from
 * outside? Manual: CVE-2015-5307 (#AC) and CVE-2015-8104 (#DB). It never ends by itself; the test
 * powers it off.
 */
#include "tests/guests/lib/guest.h"

static u64 own_idt[512] __attribute__((aligned(16)));

void guest_main(void)
{
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) pointer;
    u64 handler = 0, watched = (u64)own_idt + 16;

    __asm__ volatile("sidt %0" : "=m"(pointer));
    for (unsigned i = 0; i < 512; i++)
        own_idt[i] = ((u64 *)pointer.base)[i];
    pointer.base = (u64)own_idt;
    __asm__ volatile("lea 1f(%%rip), %0\n jmp 2f\n1: jmp 1b\n2:" : "=r"(handler));
    own_idt[2] =
        (handler & 0xffff) | (0x08ull << 16) | (0x8e00ull << 32) | ((handler & 0xffff0000) << 32);
    own_idt[3] = handler >> 32;
    __asm__ volatile("lidt %0" ::"m"(pointer));
    print("looping in debug exceptions\n");

    /* A data breakpoint on the #DB gate itself: delivering #DB reads it. */
    __asm__ volatile("mov %0, %%dr0\n mov %1, %%dr7" ::"r"(watched), "r"(0x000b0003ull));
    (void)*(volatile u64 *)watched;
    for (;;)
        (void)*(volatile u64 *)watched;
}
