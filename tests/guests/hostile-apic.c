/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a storm on the local APICs of all vCPUs at once (IPIs of every kind to anybody,
 * ends of interrupts nobody serves, timers of one tick, modes and addresses changed meanwhile) harm
 * anything but this VM?
 * Manual: SDM 3A "Advanced Programmable Interrupt Controller (APIC)". The verdict only says that
 * the boot vCPU got through; the test looks at the host and at another VM.
 */
#include "tests/guests/lib/smp.h"

#define APIC_BASE    0x1b
#define BASE_ENABLE  0x800ull
#define BASE_X2      0x400ull
#define BASE_MOVED   0x10000ull
#define STORM_TICKS  600000000ull
#define OPERATIONS   12u
#define FIRST_VECTOR 0x20u

static u32 seeds[CPUS_MAX];

static u32 next(u32 *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Any but 16 to 31: legal for interrupts, but the stubs take some of them for exceptions with an
 * error code. */
static u32 vector(u32 *seed)
{
    u32 v = next(seed) & 0xff;

    return v >= 16 && v < 32 ? v + 32 : v;
}

static void on_any(struct trap *t)
{
    (void)t;
    if (rdmsr(APIC_BASE) & BASE_X2)
        wrmsr(0x80b, 0);
    else
        lapic_write(LAPIC_EOI, 0);
}

/* #GP of what the mode forbids; the instruction is left out. */
static void on_gp(struct trap *t)
{
    t->rip += 2; /* RDMSR, WRMSR */
}

static bool is_x2(void)
{
    return (rdmsr(APIC_BASE) & BASE_X2) != 0;
}

static void put(u32 reg, u64 value)
{
    if (is_x2())
        wrmsr(0x800 + (reg >> 4), value);
    else
        lapic_write(reg, (u32)value);
}

/* INIT and start-up IPIs only to others than the boot vCPU, whom INIT would reset with all. */
static u32 random_icr(u32 *seed)
{
    static const u32 modes[] = {0x000, 0x100, 0x400, 0x000, 0x200, 0x700};

    return vector(seed) | modes[next(seed) % 6] | (next(seed) & 0xc800) | (next(seed) % 4) << 18;
}

static void change_mode(u32 *seed)
{
    u64 old = rdmsr(APIC_BASE), flags = old & 0x100;

    switch (next(seed) % 4) {
    case 0:
        wrmsr(APIC_BASE, LAPIC_BASE | flags | BASE_ENABLE | BASE_X2);
        break;
    case 1:
        wrmsr(APIC_BASE, LAPIC_BASE | flags); /* off, from where both modes can be reached */
        break;
    case 2:
        wrmsr(APIC_BASE, (LAPIC_BASE + BASE_MOVED) | flags | BASE_ENABLE);
        break;
    default:
        wrmsr(APIC_BASE, LAPIC_BASE | flags | BASE_ENABLE);
    }
}

/* Any register but the ICR, which could start a vCPU anywhere. */
static void put_anything(u32 reg, u32 *seed)
{
    u32 value = (next(seed) & 0xffff00) | vector(seed);

    if (reg == LAPIC_ICR_LOW)
        return;
    put(reg, value);
}

static void operate(u32 *seed)
{
    switch (next(seed) % OPERATIONS) {
    case 0:
    case 1:
    case 2:
        put(LAPIC_ICR_LOW, random_icr(seed) | (is_x2() ? (u64)(next(seed) % 8) << 32 : 0));
        break;
    case 3:
        put(LAPIC_EOI, 0);
        break;
    case 4:
        put(LAPIC_TPR, next(seed) & 0xff);
        break;
    case 5:
        put(LAPIC_SVR, next(seed) & 0x1ff);
        break;
    case 6:
        put(LAPIC_LVT_TIMER, (next(seed) & 0x70000) | vector(seed));
        put(LAPIC_TIMER_ICR, 1);
        break;
    case 7:
        put(0xd0, next(seed) << 16); /* LDR */
        put(0xe0, next(seed) << 24); /* DFR */
        break;
    case 8:
        put(LAPIC_ESR, 0);
        break;
    case 9:
        change_mode(seed);
        break;
    case 10:
        ioapic_write(0x10 + next(seed) % 48, (next(seed) & 0x1f800) | vector(seed));
        break;
    default:
        put_anything((next(seed) % 64) << 4, seed);
    }
    sti();
    __asm__ volatile("nop");
    cli();
}

static void storm(u32 *seed)
{
    u64 end = rdtsc() + STORM_TICKS;

    while (rdtsc() < end)
        operate(seed);
}

static void other_cpu(void)
{
    u32 id = cpuid(1, 0).ebx >> 24;

    for (;;)
        storm(&seeds[id]);
}

void guest_main(void)
{
    u32 count = cpu_count();

    pic_disable();
    lapic_enable();
    for (u32 v = 2; v < 256; v++)
        if (v == 2 || v >= FIRST_VECTOR)
            on_trap((u8)v, on_any);
    on_trap(13, on_gp);
    cpus_prepare();
    for (u32 id = 0; id < count; id++)
        seeds[id] = 12345 + 7919 * id;
    for (u32 id = 1; id < count; id++)
        cpu_start(id, other_cpu);
    storm(&seeds[0]);
    print("still here\n");
}
