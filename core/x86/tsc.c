/* SPDX-License-Identifier: BSD-2-Clause */
/* Calibrates the TSC and converts its ticks. */
#include "core/x86/tsc.h"

#include "core/lib/types.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"

#define PM_TIMER_HZ      3579545ull
#define PM_TIMER_MASK    0xffffffull /* the low 24 bits count everywhere */
#define CALIBRATE_US     4000ull
#define PIT_HZ           1193182ull
#define PIT_CHANNEL2     0x42
#define PIT_COMMAND      0x43
#define PIT_GATE         0x61
#define PIT_CH2_ONE_SHOT 0xb0 /* channel 2, low then high byte, mode 0 */
#define PIT_OUT2         0x20

static u64 hz = 1000000000;
static u64 boot;
static u64 ns_per_tick_q32; /* 32.32 fixed point */
static u64 ticks_per_ns_q32;

static u64 calibrate_pm(u16 port)
{
    u64 wanted = PM_TIMER_HZ * CALIBRATE_US / 1000000, passed = 0;
    u32 last = inl(port);
    u64 start = rdtsc();

    for (u32 tries = 0; passed < wanted; tries++) {
        u32 now = inl(port);

        passed += (now - last) & PM_TIMER_MASK;
        last = now;
        if (tries > 100000000u)
            return 0; /* the timer stands still */
    }
    return (rdtsc() - start) * PM_TIMER_HZ / passed;
}

/* Spec: 8254 "Mode 0: Interrupt on Terminal Count"; OUT of channel 2 is bit 5 of port 61h. */
static u64 calibrate_pit(void)
{
    u64 count = PIT_HZ * CALIBRATE_US / 1000000, start;

    outb(PIT_GATE, (u8)((inb(PIT_GATE) & ~2u) | 1u));
    outb(PIT_COMMAND, PIT_CH2_ONE_SHOT);
    outb(PIT_CHANNEL2, (u8)count);
    outb(PIT_CHANNEL2, (u8)(count >> 8));
    start = rdtsc();
    while ((inb(PIT_GATE) & PIT_OUT2) == 0)
        cpu_pause();
    return (rdtsc() - start) * PIT_HZ / count;
}

void tsc_init(u16 pm_timer_port)
{
    u64 measured;

    boot = rdtsc();
    measured = pm_timer_port != 0 ? calibrate_pm(pm_timer_port) : 0;

    if (measured == 0)
        measured = calibrate_pit();
    if (measured != 0)
        hz = measured;
    ns_per_tick_q32 = (NS_PER_S << 32) / hz; /* 10^9 << 32 fits 64 bits */
    ticks_per_ns_q32 = ((hz / NS_PER_S) << 32) + ((hz % NS_PER_S) << 32) / NS_PER_S;
}

u64 tsc_hz(void)
{
    return hz;
}

u64 tsc_boot(void)
{
    return boot;
}

u64 tsc_to_ns(u64 ticks)
{
    return (u64)(((unsigned __int128)ticks * ns_per_tick_q32) >> 32);
}

u64 tsc_from_ns(u64 ns)
{
    return (u64)(((unsigned __int128)ns * ticks_per_ns_q32) >> 32);
}

void tsc_delay_us(u64 us)
{
    u64 start = rdtsc(), ticks = tsc_from_ns(us * NS_PER_US);

    while (rdtsc() - start < ticks)
        cpu_pause();
}
