/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do PIT, local APIC timer, ACPI PM timer and TSC run, at rates that agree with each
 * other? Manual: 8254, APM vol. 2 "APIC Timer", ACPI "Power Management Timer". A failure breaks
 * guests' clocks.
 */
#include "tests/guests/lib/guest.h"

#define PM_10_MS 35795u /* its ticks in 10 ms */

static volatile u32 fired;

static void on_timer(struct trap *t)
{
    (void)t;
    fired++;
    lapic_write(LAPIC_EOI, 0);
}

static u32 pm_now(void)
{
    return inl(PM_TIMER);
}

static void pm_wait(u32 ticks)
{
    u32 start = pm_now();

    while (pm_now() - start < ticks)
        ;
}

/* Ticks of the PM timer per full run of PIT channel 2 with the given count. */
static u32 pit_run(u16 count)
{
    u32 start;

    outb(0x61, (inb(0x61) & ~2) | 1);
    outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
    outb(0x42, (u8)count);
    start = pm_now();
    outb(0x42, (u8)(count >> 8));
    while (!(inb(0x61) & 0x20))
        ;
    return pm_now() - start;
}

/* The least of several: when others have the CPU meanwhile, time goes on, and is counted. */
static u32 least_of(u32 (*measure)(void))
{
    u32 least = measure();

    for (unsigned i = 0; i < 8; i++) {
        u32 again = measure();

        least = again < least ? again : least;
    }
    return least;
}

/* 11932 PIT ticks are 10 ms. */
static u32 pit_10_ms(void)
{
    return pit_run(11932);
}

static bool is_near(u64 value, u64 expected)
{
    return value > expected - expected / 8 && value < expected + expected / 8;
}

static void apic_timer(u32 mode, u32 initial)
{
    lapic_write(LAPIC_TIMER_DCR, 0xb); /* divide by 1 */
    lapic_write(LAPIC_LVT_TIMER, mode | 0x60);
    lapic_write(LAPIC_TIMER_ICR, initial);
}

/* Ticks of the APIC timer in 10 ms of the PM timer. */
static u32 apic_10_ms(void)
{
    apic_timer(0x10000, 0xffffffff);
    pm_wait(PM_10_MS);
    return 0xffffffff - lapic_read(LAPIC_TIMER_CCR);
}

void guest_main(void)
{
    u32 last = pm_now(), rate;
    u64 tsc;

    for (unsigned i = 0; i < 1000; i++) {
        u32 now = pm_now();

        if (now - last > 0x7fffffff)
            failure("the PM timer ran backwards: 0x%x after 0x%x", now, last);
        last = now;
    }

    rate = least_of(pit_10_ms);
    if (!is_near(rate, PM_10_MS))
        failure("10 ms of the PIT are %u PM timer ticks", rate);

    pic_disable();
    lapic_enable();
    on_trap(0x60, on_timer);

    /* Find the APIC timer's rate, then expect a one-shot of 5 ms to come once and not early. */
    rate = least_of(apic_10_ms);
    EXPECT(rate > 10000);
    fired = 0;
    last = pm_now();
    apic_timer(0, rate / 2);
    while (fired == 0)
        sti_hlt_cli();
    EXPECT(pm_now() - last > PM_10_MS / 2 - PM_10_MS / 16);
    EXPECT_EQ(lapic_read(LAPIC_TIMER_CCR), 0);
    sti();
    pm_wait(PM_10_MS);
    cli();
    EXPECT_EQ(fired, 1);

    /* Periodic: ten periods of 2 ms. */
    fired = 0;
    last = pm_now();
    apic_timer(0x20000, rate / 5);
    while (fired < 10)
        sti_hlt_cli();
    EXPECT(pm_now() - last > PM_10_MS * 2 - PM_10_MS / 2);
    apic_timer(0x10000, 0);

    /* TSC deadline, where offered. */
    if (cpuid(1, 0).ecx & (1u << 24)) {
        tsc = rdtsc();
        pm_wait(3580);
        tsc = rdtsc() - tsc; /* per ms */
        fired = 0;
        lapic_write(LAPIC_LVT_TIMER, 0x40060);
        wrmsr(0x6e0, rdtsc() + 2 * tsc);
        while (fired == 0)
            sti_hlt_cli();
        EXPECT_EQ(fired, 1);
        EXPECT_EQ(rdmsr(0x6e0), 0);
    }
}
