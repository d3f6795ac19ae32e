/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do vCPUs that load floating-point state at the same time leave each other alone, in
 * and out of the guest? Manual: APM vol. 1 "FXSAVE and FXRSTOR Instructions". A failure mixes two
 * vCPUs' registers, or loses the state of one at its exit (QEMU without tools/qemu/repair.c).
 */
#include "tests/guests/lib/smp.h"

#define ROUNDS   20000u
#define RESTORES 20u

struct area {
    u8 bytes[512];
} __attribute__((aligned(16)));

static struct area areas[CPUS_MAX];
static volatile u32 ready, finished;

/* Every CPU has a value of its own in XMM3. */
static void load_and_exit(void)
{
    struct area *area = &areas[my_id()];
    u64 value = 0x1111111111111111ull * (my_id() + 1), now = 0;

    __asm__ volatile("movq %1, %%xmm3\n fxsave %0" : "=m"(*area) : "r"(value));
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 i = 0; i < RESTORES; i++)
            __asm__ volatile("fxrstor %0" ::"m"(*area));
        (void)cpuid(0, 0);
        __asm__ volatile("movq %%xmm3, %0" : "=r"(now));
        EXPECT_EQ(now, value);
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void ap_main(void)
{
    lapic_enable();
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    load_and_exit();
    for (;;)
        sti_hlt_cli();
}

void guest_main(void)
{
    u32 count = cpus_begin();

    for (u32 id = 1; id < count; id++) {
        cpu_start(id, ap_main);
        wait_for(&ready, id);
    }
    load_and_exit();
    wait_for(&finished, count);
    print("%u CPUs\n", count);
}
