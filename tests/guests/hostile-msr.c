/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can a guest harm anyone by reading and writing MSRs all over the number space?
 * Manual: APM vol. 2 "Model-Specific Registers". Each access succeeds or raises #GP; nothing else
 * may happen.
 */
#include "tests/guests/lib/guest.h"

static void try_both(void *arg)
{
    u32 msr = (u32)(u64)arg;
    u64 v = rdmsr(msr);

    wrmsr(msr, v);
}

static void try_ones(void *arg)
{
    wrmsr((u32)(u64)arg, ~0ull);
}

static bool is_spared(u32 msr)
{
    /* Writing all ones to these is legal and ends the test: APIC base, FS and GS base, timers. */
    return msr == 0x1b || (msr >= 0xc0000100 && msr <= 0xc0000103) || msr == 0x10 || msr == 0x3b ||
           msr == 0x6e0 || (msr >= 0x800 && msr <= 0x8ff);
}

static void sweep(u32 first, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        u32 msr = first + i, vector;

        vector = catch_trap(try_both, (void *)(u64)msr);
        if (vector != NO_TRAP && vector != 13)
            failure("MSR 0x%x raised vector %u", msr, vector);
        if (is_spared(msr))
            continue;
        vector = catch_trap(try_ones, (void *)(u64)msr);
        if (vector != NO_TRAP && vector != 13)
            failure("writing MSR 0x%x raised vector %u", msr, vector);
    }
}

void guest_main(void)
{
    sweep(0, 0x1000);
    sweep(0x1ffe, 8); /* the first permission-map range ends here */
    sweep(0x40000000, 0x100);
    sweep(0x4b564d00, 0x10);
    sweep(0xbfffffff, 0x200);
    sweep(0xc0001ffe, 8);
    sweep(0xc0010000, 0x400);
    sweep(0xc0011000, 0x100);
    sweep(0xfffffff0, 16);
}
