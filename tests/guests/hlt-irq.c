/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does HLT sleep until an interrupt comes, through the PIC, the IOAPIC and as a self-IPI?
 * Manual: APM vol. 3 "HLT", vol. 2 "Advanced Programmable Interrupt Controller". A failure hangs
 * guests.
 */
#include "tests/guests/lib/guest.h"

static volatile u32 count;

static void on_pit_pic(struct trap *t)
{
    (void)t;
    count++;
    outb(0x20, 0x20);
}

static void on_lapic(struct trap *t)
{
    (void)t;
    count++;
    lapic_write(LAPIC_EOI, 0);
}

static void pit_periodic(u16 reload)
{
    outb(0x43, 0x34);
    outb(0x40, (u8)reload);
    outb(0x40, (u8)(reload >> 8));
}

/* Interrupts on for long enough that anything deliverable arrives. */
static void open_window(void)
{
    sti();
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    cli();
}

static void wait_for(u32 n)
{
    count = 0;
    while (count < n)
        sti_hlt_cli();
}

void guest_main(void)
{
    /* PIC: the PIT's line 0 as vector 0x20, LINT0 in ExtINT mode as after reset of a PC. */
    pic_disable();
    on_trap(0x20, on_pit_pic);
    outb(0x21, 0xfe);
    lapic_enable();
    lapic_write(LAPIC_LVT_LINT0, 0x700);
    pit_periodic(1193); /* 1 kHz */
    wait_for(5);
    outb(0x21, 0xff);
    lapic_write(LAPIC_LVT_LINT0, 0x10700);

    /* IOAPIC pin 2 as vector 0x40. */
    on_trap(0x40, on_lapic);
    ioapic_write(0x15, 0);
    ioapic_write(0x14, 0x40);
    wait_for(5);
    ioapic_write(0x14, 0x10040);
    pit_periodic(0);

    /* Self-IPI: held back while interrupts are off. */
    on_trap(0x51, on_lapic);
    count = 0;
    lapic_write(LAPIC_ICR_LOW, 0x40051);
    EXPECT_EQ(count, 0);
    open_window();
    EXPECT_EQ(count, 1);

    /* The task priority holds it back; lowering it lets it through. */
    lapic_write(LAPIC_TPR, 0x60);
    lapic_write(LAPIC_ICR_LOW, 0x40051);
    open_window();
    EXPECT_EQ(count, 1);
    lapic_write(LAPIC_TPR, 0);
    open_window();
    EXPECT_EQ(count, 2);

    /* The same through CR8. */
    __asm__ volatile("mov %0, %%cr8" ::"r"(6ull));
    EXPECT_EQ(lapic_read(LAPIC_TPR), 0x60);
    lapic_write(LAPIC_ICR_LOW, 0x40051);
    open_window();
    EXPECT_EQ(count, 2);
    __asm__ volatile("mov %0, %%cr8" ::"r"(0ull));
    open_window();
    EXPECT_EQ(count, 3);

    /* STI's shadow: the instruction after it still runs before the interrupt. */
    lapic_write(LAPIC_ICR_LOW, 0x40051);
    {
        u32 before;

        __asm__ volatile("sti; mov %1, %0; nop; cli" : "=r"(before) : "m"(count) : "memory");
        EXPECT_EQ(before, 3);
    }
    open_window();
    EXPECT_EQ(count, 4);
}
