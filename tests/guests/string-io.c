/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do INS and OUTS, with and without REP, move the right bytes and update the registers?
 * Manual: APM vol. 3 "INS", "OUTS", "REP". A failure means lost or doubled bytes on devices with
 * FIFOs.
 */
#include "tests/guests/lib/guest.h"

static u8 buffer[64];

void guest_main(void)
{
    static const char text[] = "string output works\n";
    const char *src = text;
    u64 count = sizeof text - 1;
    u8 *dst = buffer;
    u64 zero = 0;

    __asm__ volatile("cld; rep outsb" : "+S"(src), "+c"(count) : "d"(COM1) : "memory");
    EXPECT_EQ(count, 0);
    EXPECT_EQ(src, text + sizeof text - 1);

    /* Eight reads of the scratch register. */
    outb(COM1 + 7, 0x77);
    count = 8;
    __asm__ volatile("cld; rep insb" : "+D"(dst), "+c"(count) : "d"(COM1 + 7) : "memory");
    EXPECT_EQ(count, 0);
    EXPECT_EQ(dst, buffer + 8);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_EQ(buffer[i], 0x77);
    EXPECT_EQ(buffer[8], 0);

    /* Downwards. */
    dst = buffer + 20;
    count = 3;
    __asm__ volatile("std; rep insb; cld" : "+D"(dst), "+c"(count) : "d"(COM1 + 7) : "memory");
    EXPECT_EQ(dst, buffer + 17);
    EXPECT_EQ(buffer[18], 0x77);
    EXPECT_EQ(buffer[17], 0);

    /* A count of zero does nothing. */
    dst = buffer + 40;
    __asm__ volatile("rep insb" : "+D"(dst), "+c"(zero) : "d"(COM1 + 7) : "memory");
    EXPECT_EQ(dst, buffer + 40);
    EXPECT_EQ(buffer[40], 0);
}
