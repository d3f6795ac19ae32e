/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does the local APIC work in x2APIC mode, with the transitions the manual allows?
 * Manual: APM vol. 2 "x2APIC". A failure breaks guests that switch it on, as Linux does where
 * offered.
 */
#include "tests/guests/lib/guest.h"

#define APIC_BASE  0x1b
#define X2_ID      0x802
#define X2_VERSION 0x803
#define X2_EOI     0x80b
#define X2_LDR     0x80d
#define X2_SVR     0x80f
#define X2_ICR     0x830
#define X2_SELF    0x83f

static volatile u32 count;

static void on_ipi(struct trap *t)
{
    (void)t;
    count++;
    wrmsr(X2_EOI, 0);
}

static void open_window(void)
{
    sti();
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    cli();
}

static void write_base(void *arg)
{
    wrmsr(APIC_BASE, (u64)arg);
}

static void write_id(void *arg)
{
    (void)arg;
    wrmsr(X2_ID, 1);
}

void guest_main(void)
{
    if (!(cpuid(1, 0).ecx & (1u << 21)))
        skip("x2APIC is not offered");
    pic_disable();
    EXPECT_EQ(catch_trap(write_base, (void *)(0xfee00000ull | 0x500)),
              13); /* extended but not enabled */
    EXPECT_EQ(catch_trap(write_base, (void *)(0xfee00000ull | 0xd00)), NO_TRAP);
    EXPECT_EQ(rdmsr(X2_ID), 0);
    EXPECT((rdmsr(X2_VERSION) & 0xff) >= 0x10);
    EXPECT_EQ(rdmsr(X2_LDR), 1);
    EXPECT_EQ(catch_trap(write_id, NULL), 13);
    EXPECT_EQ(catch_trap(write_base, (void *)(0xfee00000ull | 0x900)),
              13); /* back to xAPIC directly */

    wrmsr(X2_SVR, 0x1ff);
    on_trap(0x70, on_ipi);
    wrmsr(X2_SELF, 0x70);
    open_window();
    EXPECT_EQ(count, 1);
    wrmsr(X2_ICR, 0x40070);
    open_window();
    EXPECT_EQ(count, 2);
    EXPECT_EQ(mmio_read(LAPIC_BASE + LAPIC_ID), 0xffffffff); /* the page is gone in this mode */
}
