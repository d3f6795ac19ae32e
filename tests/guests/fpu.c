/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do x87, SSE and AVX registers and XCR0 survive exits and other VMs' turns?
 * Manual: APM vol. 2 "XSAVE/XRSTOR Instructions". A failure leaks or corrupts floating-point state.
 */
#include "tests/guests/lib/guest.h"

static void bad_xcr0(void *arg)
{
    __asm__ volatile("xsetbv" ::"a"((u32)(u64)arg), "d"(0), "c"(0));
}

static void set_ymm(const u8 *pattern)
{
    __asm__ volatile("vmovdqu (%0), %%ymm3\n vmovdqu (%0), %%ymm15" ::"r"(pattern));
}

static bool ymm_is(const u8 *pattern)
{
    u8 now[64];

    __asm__ volatile("vmovdqu %%ymm3, (%0)\n vmovdqu %%ymm15, 32(%0)" ::"r"(now) : "memory");
    for (unsigned i = 0; i < 64; i++) {
        if (now[i] != pattern[i % 32])
            return false;
    }
    return true;
}

static void sse_only(void)
{
    u64 v = 0;

    __asm__ volatile("movq %0, %%xmm5" ::"r"(0x1234567890abcdefull));
    for (unsigned i = 0; i < 100; i++)
        (void)cpuid(0, 0);
    __asm__ volatile("movq %%xmm5, %0" : "=r"(v));
    EXPECT_EQ(v, 0x1234567890abcdefull);
}

void guest_main(void)
{
    static u8 pattern[32];
    u64 cr4;

    sse_only();
    if (!(cpuid(1, 0).ecx & (1u << 26)))
        return;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | (1u << 18)));
    EXPECT_EQ(catch_trap(bad_xcr0, (void *)2), 13); /* x87 bit must be set */
    EXPECT_EQ(catch_trap(bad_xcr0, (void *)5), 13); /* AVX without SSE */
    if (!(cpuid(1, 0).ecx & (1u << 28)))
        return;
    EXPECT_EQ(catch_trap(bad_xcr0, (void *)7), NO_TRAP);
    for (unsigned i = 0; i < 32; i++)
        pattern[i] = (u8)(0xa0 + i);
    set_ymm(pattern);
    for (unsigned i = 0; i < 200; i++) {
        (void)cpuid(0, 0);
        (void)inb(COM1 + 5);
        EXPECT(ymm_is(pattern));
    }
}
