/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/block/gpt.c core/lib/crc32.c */
/* Partition tables: good ones, and what a hostile disk may hold. */
#include "tests/unit/harness.h"

#include "core/lib/crc32.h"
#include "core/lib/errno.h"
#include "core/lib/types.h"
#include "drivers/block/gpt.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS  10000u
#define ENTRIES 128u

static u8 block[512], entries[ENTRIES * 128];
static struct gpt_header header;
static struct gpt *gpt;

static void put(u8 *at, u64 value, u32 bytes)
{
    memcpy(at, &value, bytes);
}

static void seal(void)
{
    put(block + 88, crc32(0, entries, sizeof entries), 4);
    put(block + 16, 0, 4);
    put(block + 16, crc32(0, block, 92), 4);
}

static void make_table(void)
{
    memset(block, 0, sizeof block);
    memset(entries, 0, sizeof entries);
    memcpy(block, "EFI PART\0\0\1\0", 12);
    put(block + 12, 92, 4);
    put(block + 24, 1, 8);           /* this block */
    put(block + 32, BLOCKS - 1, 8);  /* the other */
    put(block + 40, 34, 8);          /* first usable */
    put(block + 48, BLOCKS - 34, 8); /* last usable */
    put(block + 72, 2, 8);           /* entries */
    put(block + 80, ENTRIES, 4);
    put(block + 84, 128, 4);
    seal();
    if (gpt == NULL)
        gpt = malloc(sizeof *gpt + GPT_ENTRIES_MAX * sizeof gpt->parts[0]);
}

static void make_entry(u32 i, u64 first, u64 last, const char *name)
{
    u8 *at = entries + 128 * i;

    for (u32 byte = 0; byte < 32; byte++)
        at[byte] = (u8)(byte + 1);
    put(at + 32, first, 8);
    put(at + 40, last, 8);
    for (u32 c = 0; name[c] != 0; c++)
        put(at + 56 + 2 * c, (u8)name[c], 2);
    seal();
}

static int parse(void)
{
    int rc = gpt_parse_header(&header, block, sizeof block, 1, BLOCKS);

    return rc != 0 ? rc : gpt_parse_entries(gpt, &header, entries);
}

TEST(crc)
{
    CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926);
    CHECK_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

TEST(partitions)
{
    make_table();
    CHECK_EQ(parse(), 0);
    CHECK_EQ(gpt->count, 0);
    make_entry(0, 34, 99, "one");
    make_entry(5, 100, BLOCKS - 34, "a name of 36 characters: that is all");
    CHECK_EQ(parse(), 0);
    CHECK_EQ(gpt->count, 2);
    CHECK_EQ(gpt->bad_count, 0);
    CHECK_EQ(gpt->parts[0].number, 1);
    CHECK_EQ(gpt->parts[0].first_lba, 34);
    CHECK_EQ(gpt->parts[0].blocks, 66);
    CHECK_STR(gpt->parts[0].name, "one");
    CHECK_EQ(gpt->parts[0].type[0], 4); /* as it is written, not as it is stored */
    CHECK_EQ(gpt->parts[0].type[4], 6);
    CHECK_EQ(gpt->parts[0].type[15], 16);
    CHECK_EQ(gpt->parts[1].number, 6);
    CHECK_EQ(strlen(gpt->parts[1].name), 36);
}

TEST(names_are_utf8)
{
    u8 *name = entries + 56;

    make_table();
    make_entry(0, 34, 99, "");
    put(name, 0xe9, 2);
    put(name + 2, 0x20ac, 2);
    put(name + 4, 0xd83d, 2);
    put(name + 6, 0xde00, 2);
    put(name + 8, 0xd83d, 2); /* alone */
    seal();
    CHECK_EQ(parse(), 0);
    CHECK_STR(gpt->parts[0].name, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
    put(name + 2, 0x1b, 2); /* a terminal would take it for a command */
    put(name + 4, 0, 2);
    seal();
    CHECK_EQ(parse(), 0);
    CHECK_STR(gpt->parts[0].name, "\xc3\xa9\xef\xbf\xbd");
    memset(name, 0xff, 72);
    seal();
    CHECK_EQ(parse(), 0);
    CHECK_EQ(strlen(gpt->parts[0].name), GPT_NAME_MAX - 1);
}

TEST(bad_entries_are_left_out)
{
    make_table();
    make_entry(0, 200, 299, "good");
    make_entry(1, 299, 300, "overlaps");
    make_entry(2, 100, 5000, "encloses");
    make_entry(3, 33, 50, "too low");
    make_entry(4, 9000, BLOCKS, "too high");
    make_entry(5, 60, 59, "backwards");
    make_entry(6, ~0ull, ~0ull, "far");
    make_entry(7, 34, ~0ull, "endless");
    make_entry(8, 34, 199, "good");
    CHECK_EQ(parse(), 0);
    CHECK_EQ(gpt->count, 2);
    CHECK_EQ(gpt->bad_count, 7);
}

TEST(damage)
{
    make_table();
    block[0] = 'e';
    CHECK_EQ(parse(), -ENOENT);
    make_table();
    block[41]++;
    CHECK_EQ(parse(), -EINVAL);
    make_table();
    entries[7]++;
    CHECK_EQ(parse(), -EINVAL);
}

TEST(nonsense)
{
    static const struct {
        u32 offset, bytes;
        u64 value;
    } rows[] = {
        {12, 4, 91},     {12, 4, 513},   {12, 4, ~0u},      {24, 8, 2},           {40, 8, BLOCKS},
        {48, 8, BLOCKS}, {48, 8, ~0ull}, {72, 8, 0},        {72, 8, BLOCKS - 31}, {72, 8, ~0ull},
        {80, 4, 0},      {80, 4, 129},   {80, 4, ~0u},      {84, 4, 120},         {84, 4, 129},
        {84, 4, 1024},   {84, 4, ~7u},   {84, 4, 1u << 25},
    };

    for (u32 i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_table();
        put(block + rows[i].offset, rows[i].value, rows[i].bytes);
        seal();
        if (!CHECK_EQ(parse(), -EINVAL))
            CHECK_EQ(i, ~0u); /* which row */
    }
    make_table();
    CHECK_EQ(gpt_parse_header(&header, block, sizeof block, 1, 1), -EINVAL);
    CHECK_EQ(gpt_parse_header(&header, block, sizeof block, 1, 20), -EINVAL);
}
