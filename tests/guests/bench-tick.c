/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: what does a 250 Hz tick cost a guest that computes? Meant for an emulator that counts
 * instructions by the TSC.
 */
#include "tests/guests/lib/guest.h"

#define TIMER   0x60
#define TICKS   250u
#define TICK_NS 4000000u
#define TRIAL   1000000u

static volatile u32 ticks;

static void on_timer(struct trap *t)
{
    (void)t;
    ticks++;
    lapic_write(LAPIC_EOI, 0);
}

/* Return: what so many turns of a loop cost. */
static u64 compute(u64 turns)
{
    u64 start = rdtsc();

    for (u64 i = 0; i < turns; i++)
        __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop");
    return rdtsc() - start;
}

void guest_main(void)
{
    u64 turns, quiet, loud;

    pic_disable();
    lapic_enable();
    on_trap(TIMER, on_timer);
    turns = (u64)TRIAL * TICK_NS / compute(TRIAL) * TICKS;
    quiet = compute(turns);
    lapic_write(LAPIC_TIMER_DCR, 0xb);
    lapic_write(LAPIC_LVT_TIMER, LVT_PERIODIC | TIMER);
    lapic_write(LAPIC_TIMER_ICR, TICK_NS);
    sti();
    loud = compute(turns);
    cli();
    lapic_write(LAPIC_TIMER_ICR, 0);
    print("BENCH ticks %u\n", ticks);
    print("BENCH quiet %lu\n", quiet);
    print("BENCH loud %lu\n", loud);
}
