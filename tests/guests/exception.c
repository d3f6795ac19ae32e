/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do exceptions reach the guest with the right vector, error code and address?
 * Manual: APM vol. 2 "Exceptions and Interrupts". A failure means a guest's own faults are lost or
 * altered.
 */
#include "tests/guests/lib/guest.h"

static void raise_de(void *arg)
{
    (void)arg;
    __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx" ::
                         : "eax", "ecx", "edx");
}

static void raise_ud(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void raise_gp(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %0, %%ds" ::"r"(0x1230)); /* selector beyond the table */
}

static void raise_pf(void *arg)
{
    *(volatile u8 *)arg = 1;
}

static void raise_bp(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void run_vmrun(void *arg)
{
    (void)arg;
    __asm__ volatile("vmrun %%rax" ::"a"(0x200000));
}

static void run_vmmcall_user(void *arg)
{
    (void)arg;
    __asm__ volatile("clgi");
}

static void run_vmxon(void *arg)
{
    (void)arg;
    __asm__ volatile("vmxon %0" ::"m"(*(u64 *)0x200000));
}

static void run_vmlaunch(void *arg)
{
    (void)arg;
    __asm__ volatile("vmlaunch");
}

static void run_invept(void *arg)
{
    (void)arg;
    __asm__ volatile("invept (%0), %1" ::"r"(0x200000ull), "r"(2ull));
}

static void run_vmfunc(void *arg)
{
    (void)arg;
    __asm__ volatile("vmfunc" ::"a"(0), "c"(0));
}

static void run_monitor(void *arg)
{
    __asm__ volatile("monitor" ::"a"(arg), "c"(0), "d"(0));
}

static void run_rdpmc(void *arg)
{
    u32 lo, hi;

    (void)arg;
    __asm__ volatile("rdpmc" : "=a"(lo), "=d"(hi) : "c"(0x12345));
}

static volatile u32 debug_hits;

static void on_debug(struct trap *t)
{
    debug_hits++;
    t->rflags &= ~0x100ull; /* TF */
}

#define TIMER     0x71u
#define PERIOD_NS 50000u
#define FAULTS    20000u
#define RFLAGS_IF 0x200u

static volatile u32 fault_count, interrupt_count;
static volatile bool is_fault_twice;

/* The fault is on an instruction with interrupts on: off means that its handler had been entered.
 */
static void on_undefined(struct trap *t)
{
    is_fault_twice |= !(t->rflags & RFLAGS_IF);
    fault_count++;
    t->rip += 2;
}

static void on_timer(struct trap *t)
{
    (void)t;
    interrupt_count++;
    lapic_write(LAPIC_EOI, 0);
}

/* An interrupt for the host or for us between a fault and its handler's first instruction. */
static void faults_beside_interrupts(void)
{
    pic_disable();
    on_trap(6, on_undefined);
    on_trap(TIMER, on_timer);
    lapic_enable();
    lapic_write(LAPIC_TIMER_DCR, 0xb);
    lapic_write(LAPIC_LVT_TIMER, LVT_PERIODIC | TIMER);
    lapic_write(LAPIC_TIMER_ICR, PERIOD_NS);
    sti();
    for (unsigned i = 0; i < FAULTS; i++)
        __asm__ volatile("ud2" ::: "memory");
    while (interrupt_count == 0)
        sti_hlt_cli();
    cli();
    lapic_write(LAPIC_TIMER_ICR, 0);
    on_trap(6, NULL);
    EXPECT(!is_fault_twice);
    EXPECT_EQ(fault_count, FAULTS);
}

void guest_main(void)
{
    EXPECT_EQ(catch_trap(raise_de, NULL), 0);
    EXPECT_EQ(catch_trap(raise_ud, NULL), 6);
    EXPECT_EQ(catch_trap(raise_bp, NULL), 3);
    EXPECT_EQ(catch_trap(raise_gp, NULL), 13);
    EXPECT_EQ(trap_error, 0x1230);
    EXPECT_EQ(catch_trap(raise_pf, (void *)0x8000001000ull), 14);
    EXPECT_EQ(trap_cr2, 0x8000001000ull);
    EXPECT_EQ(trap_error, 2); /* write, not present */

    /* A virtual CPU without virtualization of either vendor and MONITOR: #UD; without performance
     * counters: #GP. */
    EXPECT_EQ(catch_trap(run_vmrun, NULL), 6);
    EXPECT_EQ(catch_trap(run_vmmcall_user, NULL), 6);
    EXPECT_EQ(catch_trap(run_vmxon, NULL), 6);
    EXPECT_EQ(catch_trap(run_vmlaunch, NULL), 6);
    EXPECT_EQ(catch_trap(run_invept, NULL), 6);
    EXPECT_EQ(catch_trap(run_vmfunc, NULL), 6);
    EXPECT_EQ(catch_trap(run_monitor, (void *)PM1A_EVT), 6);
    EXPECT_EQ(catch_trap(run_rdpmc, NULL), 13);

    /* Single step. */
    on_trap(1, on_debug);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc");
    EXPECT_EQ(debug_hits, 1);

    faults_beside_interrupts();
}
