/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: vmx/vmx_bitmap.c */
/* Bitmaps intercept everything but exactly what was let through. */
#include "tests/unit/harness.h"

#include "vmx/vmx_bitmap.h"

static u8 msrs[MSR_BITMAPS_BYTES];

static unsigned clear_bits(const u8 *map, unsigned bytes)
{
    unsigned count = 0;

    for (unsigned i = 0; i < bytes * 8; i++)
        count += (map[i / 8] >> (i % 8) & 1) == 0;
    return count;
}

TEST(all_exit_at_first)
{
    msr_bitmap_init(msrs);
    CHECK_EQ(clear_bits(msrs, sizeof msrs), 0);
}

TEST(msr_positions)
{
    static const struct {
        u32 msr;
        u32 read_byte;
        u8 mask;
    } rows[] = {
        {0x00000000, 0x000, 0x01}, {0x00000174, 0x02e, 0x10}, {0x00001fff, 0x3ff, 0x80},
        {0xc0000000, 0x400, 0x01}, {0xc0000102, 0x420, 0x04}, {0xc0001fff, 0x7ff, 0x80},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        msr_bitmap_init(msrs);
        CHECK(msr_bitmap_set(msrs, rows[i].msr, false, true));
        CHECK_EQ(msrs[rows[i].read_byte], (u8)~rows[i].mask);
        CHECK_EQ(clear_bits(msrs, sizeof msrs), 1);
        CHECK(msr_bitmap_set(msrs, rows[i].msr, true, false));
        CHECK_EQ(msrs[rows[i].read_byte + 0x800], (u8)~rows[i].mask);
        CHECK(msr_bitmap_set(msrs, rows[i].msr, true, true));
        CHECK_EQ(clear_bits(msrs, sizeof msrs), 0);
    }
}

TEST(msrs_outside_the_bitmap)
{
    static const u32 outside[] = {0x2000, 0x3fff, 0xbfffffff, 0xc0002000, 0xc0010015, 0xffffffff};

    msr_bitmap_init(msrs);
    for (unsigned i = 0; i < sizeof outside / sizeof outside[0]; i++)
        CHECK(!msr_bitmap_set(msrs, outside[i], false, false));
    CHECK_EQ(clear_bits(msrs, sizeof msrs), 0);
}
