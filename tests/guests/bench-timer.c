/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: how long after the expiry of its timer does a guest's handler run? Meant for an
 * emulator that counts instructions by the TSC.
 */
#include "tests/guests/lib/guest.h"

#define RUNS             201
#define TIMER            0x60
#define DELAY            50000u
#define LVT_TSC          0x40000u
#define MSR_TSC_DEADLINE 0x6e0

static volatile u64 came;
static u64 samples[RUNS];

static void on_timer(struct trap *t)
{
    (void)t;
    came = rdtsc();
    lapic_write(LAPIC_EOI, 0);
}

/* The guest computes, or halts, until the timer comes. */
static void latency(const char *name, bool halts)
{
    for (unsigned i = 0; i < RUNS; i++) {
        u64 deadline = rdtsc() + DELAY;

        came = 0;
        wrmsr(MSR_TSC_DEADLINE, deadline);
        if (halts) {
            sti_hlt_cli();
        } else {
            sti();
            while (came == 0)
                ;
            cli();
        }
        samples[i] = came - deadline;
    }
    sort(samples, RUNS);
    print("BENCH %s %lu\n", name, samples[RUNS / 2]);
    print("BENCH %s_worst %lu\n", name, samples[RUNS - 1]);
}

void guest_main(void)
{
    pic_disable();
    lapic_enable();
    on_trap(TIMER, on_timer);
    if (!(cpuid(1, 0).ecx & (1u << 24)))
        skip("no TSC deadline");
    lapic_write(LAPIC_LVT_TIMER, LVT_TSC | TIMER);
    latency("busy", false);
    latency("halted", true);
}
