/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do priorities, nesting, level-triggered interrupts and the timer's count behave the
 * same in xAPIC and x2APIC mode, whoever serves them, CPU or hypervisor? Manual: SDM 3A "Advanced
 * Programmable Interrupt Controller (APIC)". A failure loses or doubles interrupts.
 */
#include "tests/guests/lib/guest.h"

#define APIC_BASE   0x1b
#define BASE_X2     0xfee00d00ull
#define X2_MSR(reg) (0x800u + ((reg) >> 4))

#define LOW   0x41u
#define HIGH  0x61u
#define LEVEL 0x51u
#define TIMER 0x71u

#define COM1_PIN    4u
#define REDIR(pin)  (0x10u + 2 * (pin))
#define REDIR_LEVEL (1u << 15)
#define REDIR_MASK  (1u << 16)
#define REMOTE_IRR  (1u << 14)
#define IER_THRE    2u

#define LVT_MASKED     0x10000u
#define HOST_PERIOD_NS 300000u

static bool is_x2;
static volatile u32 low_count, high_count, level_count, timer_count, seen_isr, seen_remote_irr;
static volatile bool is_nested, is_order_wrong;

static u32 get(u32 reg)
{
    return is_x2 ? (u32)rdmsr(X2_MSR(reg)) : lapic_read(reg);
}

static void put(u32 reg, u32 value)
{
    if (is_x2)
        wrmsr(X2_MSR(reg), value);
    else
        lapic_write(reg, value);
}

static void self_ipi(u32 vector)
{
    put(LAPIC_ICR_LOW, 0x40000u | vector);
}

static void open_window(void)
{
    sti();
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    cli();
}

static bool vector_bit(u32 reg, u32 vector)
{
    return (get(reg + vector / 32 * 0x10) >> (vector % 32)) & 1;
}

static void on_high(struct trap *t)
{
    (void)t;
    high_count++;
    is_order_wrong |= !is_nested;
    put(LAPIC_EOI, 0);
}

/* A higher vector interrupts this handler, an equal class waits for its end. */
static void on_low(struct trap *t)
{
    (void)t;
    low_count++;
    if (low_count == 1) {
        seen_isr = vector_bit(LAPIC_ISR, LOW);
        is_nested = true;
        self_ipi(HIGH);
        self_ipi(LOW);
        open_window();
        is_nested = false;
        is_order_wrong |= high_count != 1 || low_count != 1;
    }
    put(LAPIC_EOI, 0);
}

/* The line stays high until the second time: one end of interrupt brings it again. */
static void on_level(struct trap *t)
{
    (void)t;
    if (++level_count == 1)
        seen_remote_irr = ioapic_read(REDIR(COM1_PIN)) & REMOTE_IRR;
    else
        outb(COM1 + 1, 0);
    put(LAPIC_EOI, 0);
}

static void on_timer(struct trap *t)
{
    (void)t;
    timer_count++;
    put(LAPIC_EOI, 0);
}

static void nesting(void)
{
    low_count = high_count = seen_isr = 0;
    self_ipi(LOW);
    EXPECT(vector_bit(LAPIC_IRR, LOW));
    open_window();
    EXPECT_EQ(low_count, 2);
    EXPECT_EQ(high_count, 1);
    EXPECT_EQ(seen_isr, 1);
    EXPECT(!is_order_wrong);
    EXPECT(!vector_bit(LAPIC_ISR, LOW) && !vector_bit(LAPIC_IRR, LOW));
}

static void task_priority(void)
{
    u64 cr8;

    low_count = 1; /* no nesting */
    high_count = 0;
    is_nested = true;
    put(LAPIC_TPR, 0x40);
    __asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
    EXPECT_EQ(cr8, 4);
    self_ipi(LOW);
    self_ipi(HIGH);
    open_window();
    EXPECT_EQ(high_count, 1); /* above the threshold's class */
    EXPECT_EQ(low_count, 1);
    EXPECT(vector_bit(LAPIC_IRR, LOW));
    __asm__ volatile("mov %0, %%cr8" ::"r"(3ull));
    EXPECT_EQ(get(LAPIC_TPR), 0x30);
    open_window();
    EXPECT_EQ(low_count, 2);
    put(LAPIC_TPR, 0);
    is_nested = false;
}

/* Interrupts off, a request waiting, and the host interrupted again and again meanwhile: its timer
 * is armed for ours, masked or not. The request must go on waiting. */
static void interrupts_off(void)
{
    low_count = 1; /* no nesting */
    put(LAPIC_TIMER_DCR, 0xb);
    put(LAPIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | TIMER);
    put(LAPIC_TIMER_ICR, HOST_PERIOD_NS);
    self_ipi(LOW);
    for (unsigned turn = 0; turn < 50; turn++) {
        cli(); /* Bochs looks at what is masked when the flag is written, not at VM entry */
        for (volatile unsigned i = 0; i < 10000; i++)
            ;
    }
    EXPECT_EQ(low_count, 1);
    put(LAPIC_TIMER_ICR, 0);
    open_window();
    EXPECT_EQ(low_count, 2);
}

static void level_triggered(void)
{
    level_count = seen_remote_irr = 0;
    ioapic_write(REDIR(COM1_PIN) + 1, 0);
    ioapic_write(REDIR(COM1_PIN), LEVEL | REDIR_LEVEL);
    outb(COM1 + 4, 8); /* OUT2 connects the line */
    outb(COM1 + 1, IER_THRE);
    open_window();
    ioapic_write(REDIR(COM1_PIN), REDIR_MASK);
    EXPECT_EQ(level_count, 2);
    EXPECT(seen_remote_irr != 0);
    EXPECT_EQ(ioapic_read(REDIR(COM1_PIN)) & REMOTE_IRR, 0);
}

static void timer(void)
{
    u32 first;

    timer_count = 0;
    put(LAPIC_TIMER_DCR, 0xb);
    put(LAPIC_LVT_TIMER, LVT_MASKED | TIMER);
    put(LAPIC_TIMER_ICR, 0xffffffff);
    first = get(LAPIC_TIMER_CCR);
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    EXPECT(get(LAPIC_TIMER_CCR) < first);
    EXPECT_EQ(get(LAPIC_TIMER_ICR), 0xffffffff);
    put(LAPIC_LVT_TIMER, TIMER);
    put(LAPIC_TIMER_ICR, 20000);
    while (timer_count == 0)
        sti_hlt_cli();
    EXPECT_EQ(timer_count, 1);
    EXPECT_EQ(get(LAPIC_TIMER_CCR), 0);
}

static void all(void)
{
    put(LAPIC_SVR, 0x1ff);
    nesting();
    task_priority();
    interrupts_off();
    level_triggered();
    timer();
}

void guest_main(void)
{
    pic_disable();
    on_trap(LOW, on_low);
    on_trap(HIGH, on_high);
    on_trap(LEVEL, on_level);
    on_trap(TIMER, on_timer);
    all();
    if (!(cpuid(1, 0).ecx & (1u << 21)))
        return;
    wrmsr(APIC_BASE, BASE_X2);
    is_x2 = true;
    all();
}
