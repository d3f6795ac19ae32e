/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: how many instructions does each kind of exit cost? Meant for an emulator that counts
 * instructions by the TSC; prints medians of guest-seen round trips, the empty loop subtracted.
 */
#include "tests/guests/lib/guest.h"

#define RUNS    201
#define GENUINE 0x756e6547u /* "Genu" */

static u64 samples[RUNS];
static bool is_intel; /* has another instruction for hypercalls */

static u64 measure(void (*fn)(void))
{
    for (unsigned i = 0; i < RUNS; i++) {
        u64 start = rdtsc();

        fn();
        samples[i] = rdtsc() - start;
    }
    sort(samples, RUNS);
    return samples[RUNS / 2];
}

static void nothing(void)
{
    __asm__ volatile("");
}

static void do_cpuid(void)
{
    (void)cpuid(0x40000000, 0);
}

static void do_hypercall(void)
{
    u64 rax = ~0ull;

    if (is_intel)
        __asm__ volatile("vmcall" : "+a"(rax)::"memory");
    else
        __asm__ volatile("vmmcall" : "+a"(rax)::"memory");
}

static void do_uart_out(void)
{
    outb(COM1 + 7, 0);
}

static void do_mmio(void)
{
    (void)mmio_read(IOAPIC_BASE);
}

static void do_lapic(void)
{
    (void)lapic_read(LAPIC_TPR);
}

static void do_msr(void)
{
    (void)rdmsr(0x1b);
}

static void hypercall_or_trap(void *arg)
{
    (void)arg;
    do_hypercall();
}

void guest_main(void)
{
    u64 base = measure(nothing);

    is_intel = cpuid(0, 0).ebx == GENUINE;

    print("BENCH entry_tsc %lu\n", entry_tsc);
    print("BENCH cpuid %lu\n", measure(do_cpuid) - base);
    if (catch_trap(hypercall_or_trap, NULL) == NO_TRAP)
        print("BENCH hypercall %lu\n", measure(do_hypercall) - base);
    print("BENCH uart_out %lu\n", measure(do_uart_out) - base);
    print("BENCH mmio_read %lu\n", measure(do_mmio) - base);
    print("BENCH lapic_read %lu\n", measure(do_lapic) - base);
    print("BENCH msr_read %lu\n", measure(do_msr) - base);
}
