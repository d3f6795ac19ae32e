/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: svm/svm_bitmap.c */
/* Permission maps intercept everything but exactly what was let through. */
#include "tests/unit/harness.h"

#include <string.h>

#include "svm/svm_bitmap.h"

static u8 msrpm[MSRPM_BYTES];

static unsigned clear_bits(const u8 *map, unsigned bytes)
{
    unsigned count = 0;

    for (unsigned i = 0; i < bytes * 8; i++)
        count += (map[i / 8] >> (i % 8) & 1) == 0;
    return count;
}

TEST(all_exit_at_first)
{
    msrpm_init(msrpm);
    CHECK_EQ(clear_bits(msrpm, sizeof msrpm), 0);
}

TEST(msr_positions)
{
    static const struct {
        u32 msr;
        u32 byte;
        u8 read_mask;
    } rows[] = {
        {0x00000000, 0x0000, 0x01}, {0x00000003, 0x0000, 0x40}, {0x00001fff, 0x07ff, 0x40},
        {0xc0000000, 0x0800, 0x01}, {0xc0000080, 0x0820, 0x01}, {0xc0000102, 0x0840, 0x10},
        {0xc0001fff, 0x0fff, 0x40}, {0xc0010000, 0x1000, 0x01}, {0xc0011fff, 0x17ff, 0x40},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        msrpm_init(msrpm);
        CHECK(msrpm_set(msrpm, rows[i].msr, false, true));
        CHECK_EQ(msrpm[rows[i].byte], (u8)~rows[i].read_mask);
        CHECK_EQ(clear_bits(msrpm, sizeof msrpm), 1);
        CHECK(msrpm_set(msrpm, rows[i].msr, true, false));
        CHECK_EQ(msrpm[rows[i].byte], (u8) ~(rows[i].read_mask << 1));
        CHECK(msrpm_set(msrpm, rows[i].msr, true, true));
        CHECK_EQ(clear_bits(msrpm, sizeof msrpm), 0);
    }
}

TEST(msrs_outside_the_map)
{
    static const u32 outside[] = {0x2000,     0x3fff,     0xbfffffff, 0xc0002000,
                                  0xc000ffff, 0xc0012000, 0xffffffff};

    msrpm_init(msrpm);
    for (unsigned i = 0; i < sizeof outside / sizeof outside[0]; i++)
        CHECK(!msrpm_set(msrpm, outside[i], false, false));
    CHECK_EQ(clear_bits(msrpm, sizeof msrpm), 0);
}
