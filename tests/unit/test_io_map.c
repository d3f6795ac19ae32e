/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tests/fakes/assert.c */
/* Every port exits but exactly those that were let through. */
#include "tests/unit/harness.h"

#include "core/x86/io_map.h"

static u8 map[IO_MAP_BYTES];

static unsigned clear_bits(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < IO_MAP_BYTES * 8; i++)
        count += (map[i / 8] >> (i % 8) & 1) == 0;
    return count;
}

TEST(ports)
{
    io_map_init(map);
    CHECK_EQ(clear_bits(), 0);
    io_map_set(map, 0x3f8, 0x3f9, false);
    CHECK_EQ(map[0x7f], 0xfc);
    CHECK_EQ(clear_bits(), 2);
    /* A dword access to 3F8h tests four bits: 3FAh and 3FBh still exit. */
    io_map_set(map, 0x3f9, 0x3f9, true);
    CHECK_EQ(clear_bits(), 1);
    io_map_set(map, 0x8000, 0x8000, false);
    CHECK_EQ(map[0x1000], 0xfe);
    io_map_set(map, 0, 0xffff, false);
    CHECK_EQ(clear_bits(), 0x10000);
    CHECK_EQ(map[0x2000], 0xff); /* past port FFFFh nothing is ever let through */
    io_map_set(map, 0xffff, 0xffff, true);
    CHECK_EQ(map[0x1fff], 0x80);
}
