/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do port reads and writes of each width reach devices and leave the right register bits
 * alone? Manual: APM vol. 3 "IN", "OUT". A failure means drivers read wrong values.
 */
#include "tests/guests/lib/guest.h"

static u64 in_keeps(unsigned width, u16 port)
{
    u64 rax = 0x1122334455667788ull;

    if (width == 1)
        __asm__ volatile("inb %%dx, %%al" : "+a"(rax) : "d"(port));
    else if (width == 2)
        __asm__ volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(port));
    else
        __asm__ volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(port));
    return rax;
}

void guest_main(void)
{
    /* Nothing lives at 0x1f0 (no IDE here): all ones; 8 and 16 bits keep the rest, 32 bits clear
     * it. */
    EXPECT_EQ(in_keeps(1, 0x1e8), 0x11223344556677ffull);
    EXPECT_EQ(in_keeps(2, 0x1e8), 0x112233445566ffffull);
    EXPECT_EQ(in_keeps(4, 0x1e8), 0xffffffffull);

    /* The UART's scratch register holds what was written. */
    outb(COM1 + 7, 0x5a);
    EXPECT_EQ(inb(COM1 + 7), 0x5a);
    outb(COM1 + 7, 0xa5);
    EXPECT_EQ(inb(COM1 + 7), 0xa5);

    /* PIC mask registers. */
    pic_disable();
    EXPECT_EQ(inb(0x21), 0xff);
    outb(0x21, 0xfb);
    EXPECT_EQ(inb(0x21), 0xfb);

    /* The last port, and accesses that would run past it, do no harm. */
    (void)inb(0xffff);
    (void)inw(0xffff);
    (void)inl(0xfffd);
    outl(0xffff, 0);
}
