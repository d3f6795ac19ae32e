/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/net/pcapng.c core/lib/str.c */
/* Blocks as the format's description draws them. */
#include "tests/unit/harness.h"

#include <string.h>

#include "mgmt/net/pcapng.h"

static u8 out[4096];

static u32 word(size_t at)
{
    u32 value;

    memcpy(&value, out + at, sizeof(value));
    return value;
}

/* Its length stands at both ends, and is whole words. */
static size_t block(size_t at, u32 type)
{
    u32 length = word(at + 4);

    CHECK_EQ(word(at), type);
    CHECK_EQ(length % 4, 0);
    CHECK_EQ(word(at + length - 4), length);
    return at + length;
}

TEST(a_file_begins_with_a_section_and_an_interface)
{
    size_t bytes = pcapng_header(out, "default/web1", 2048);
    size_t at = block(0, 0x0a0d0d0a);

    CHECK_EQ(word(8), 0x1a2b3c4d);
    CHECK_EQ(word(12), 1);
    CHECK_EQ(word(16), ~0u);
    CHECK_EQ(word(at + 8), 1);
    CHECK_EQ(word(at + 12), 2048);
    CHECK_EQ(word(at + 16), 2 | 12u << 16);
    CHECK(memcmp(out + at + 20, "default/web1", 12) == 0);
    CHECK_EQ(word(at + 32), 9 | 1u << 16);
    CHECK_EQ(word(at + 36), 9);
    CHECK_EQ(word(at + 40), 0);
    CHECK_EQ(block(at, 1), bytes);
    CHECK(bytes <= PCAPNG_HEADER_MAX);
}

TEST(a_long_name_is_cut)
{
    char name[400];

    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK(pcapng_header(out, name, 64) <= PCAPNG_HEADER_MAX);
    CHECK_EQ(word(block(0, 0x0a0d0d0a) + 16), 2 | PCAPNG_NAME_MAX << 16);
}

static size_t frame(u32 captured, u32 direction)
{
    struct pcapng_frame f = {.unix_ns = 0x1122334455667788ull,
                             .captured = captured,
                             .bytes = captured + 100,
                             .direction = direction};
    u8 bytes[64];
    size_t length;

    memset(bytes, 0xa5, sizeof(bytes));
    memset(out, 0xff, sizeof(out));
    length = pcapng_frame(out, &f, bytes);
    CHECK_EQ(block(0, 6), length);
    CHECK(length <= captured + PCAPNG_FRAME_EXTRA);
    CHECK_EQ(word(8), 0);
    CHECK_EQ(word(12), 0x11223344);
    CHECK_EQ(word(16), 0x55667788);
    CHECK_EQ(word(20), captured);
    CHECK_EQ(word(24), captured + 100);
    for (u32 i = 0; i < captured; i++)
        CHECK_EQ(pcapng_frame_place(out)[i], 0xa5);
    for (u32 i = captured; i % 4 != 0; i++)
        CHECK_EQ(out[28 + i], 0);
    return length;
}

TEST(frames_of_every_length)
{
    for (u32 captured = 0; captured < 64; captured++) {
        u32 padded = (captured + 3) & ~3u;

        CHECK_EQ(frame(captured, 0), 32 + padded);
        CHECK_EQ(frame(captured, 2), 32 + padded + 12);
        CHECK_EQ(word(28 + padded), 2 | 4u << 16);
        CHECK_EQ(word(32 + padded), 2);
        CHECK_EQ(word(36 + padded), 0);
    }
}

TEST(a_frame_that_is_in_its_place_already)
{
    struct pcapng_frame f = {.captured = 7, .bytes = 7};

    memset(out, 0xff, sizeof(out));
    memcpy(pcapng_frame_place(out), "seven!!", 7);
    CHECK_EQ(pcapng_frame(out, &f, pcapng_frame_place(out)), 40);
    CHECK(memcmp(out + 28, "seven!!", 8) == 0);
}

TEST(the_end_tells_what_was_lost)
{
    size_t length = pcapng_end(out, 5, 1000, 17);

    CHECK_EQ(block(0, 5), length);
    CHECK(length <= PCAPNG_END_MAX);
    CHECK_EQ(word(16), 5);
    CHECK_EQ(word(20), 4 | 8u << 16);
    CHECK_EQ(word(24), 1000);
    CHECK_EQ(word(32), 5 | 8u << 16);
    CHECK_EQ(word(36), 17);
    CHECK_EQ(word(44), 0);
}
