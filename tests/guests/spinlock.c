/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a CPU that waits for a lock with PAUSE stand in the way of the one that holds it,
 * if both have one physical CPU between them? The test compares: the same work under the lock takes
 * little longer than without anyone waiting where the hypervisor notices spin loops, else about
 * twice as long. Manual: SDM 3C "Pause-Loop Exiting", APM vol. 2 "Pause Intercept Filtering". A
 * failure makes every guest with more vCPUs than it gets CPUs crawl.
 */
#include "tests/guests/lib/smp.h"

#define WORK_TICKS 40000000ull
#define TRIAL      100000ull
#define WAKE       0x50

static volatile u32 phase, holds_lock;
static volatile u64 alone, contended;

static void on_wake(struct trap *t)
{
    (void)t;
    lapic_write(LAPIC_EOI, 0);
}

/* Return: TSC ticks that so many turns of a loop took. */
static u64 compute(u64 turns)
{
    u64 start = rdtsc();

    for (u64 i = 0; i < turns; i++)
        __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop");
    return rdtsc() - start;
}

static void holder(void)
{
    u64 turns = WORK_TICKS / (compute(TRIAL) / TRIAL + 1);

    alone = compute(turns);
    holds_lock = 1;
    phase = 1;
    send_ipi(0, 0x4000 | WAKE);
    contended = compute(turns);
    holds_lock = 0;
    for (;;)
        sti_hlt_cli();
}

void guest_main(void)
{
    (void)cpus_begin();
    on_trap(WAKE, on_wake);
    cpu_start(1, holder);
    while (phase == 0)
        sti_hlt_cli();
    while (holds_lock)
        __asm__ volatile("pause");
    print("alone %lu contended %lu percent %lu\n", alone, contended, contended * 100 / alone);
}
