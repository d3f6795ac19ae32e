/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/block/gpt_write.c drivers/block/gpt.c core/lib/crc32.c */
/* Partition tables that are written are those that are read. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "core/lib/types.h"
#include "drivers/block/gpt.h"
#include "drivers/block/gpt_write.h"

#include <stdlib.h>
#include <string.h>

static const u8 type[16] = {0x5b, 0x1f, 0x5a, 0x0e, 0x7c, 0x34, 0x4d, 0x0b,
                            0x9a, 0x57, 0x50, 0xc1, 0xe0, 0xda, 0x7a, 0x01};
static const u8 disk_uuid[16] = {1, 2, 3}, part_uuid[16] = {4, 5, 6};
static u8 head[GPT_WRITE_BYTES_MAX], tail[GPT_WRITE_BYTES_MAX];

static void check_table(u32 block, u64 count, u64 header_lba, const u8 *header_block,
                        u64 entries_lba, const u8 *entries)
{
    struct gpt *gpt = malloc(sizeof *gpt + GPT_ENTRIES_MAX * sizeof gpt->parts[0]);
    struct gpt_header header;

    CHECK_EQ(gpt_parse_header(&header, header_block, block, header_lba, count), 0);
    CHECK_EQ(header.entries_lba, entries_lba);
    CHECK_EQ(gpt_parse_entries(gpt, &header, entries), 0);
    CHECK_EQ(gpt->count, 1);
    CHECK_EQ(gpt->bad_count, 0);
    CHECK_EQ(gpt->parts[0].number, 1);
    CHECK_EQ(gpt->parts[0].first_lba * block, MiB);
    CHECK_EQ(gpt->parts[0].first_lba + gpt->parts[0].blocks, count - gpt_tail_blocks(block));
    CHECK(!memcmp(gpt->parts[0].type, type, 16));
    CHECK(!memcmp(gpt->parts[0].uuid, part_uuid, 16));
    CHECK_STR(gpt->parts[0].name, "tank");
    free(gpt);
}

static void check_disk(u32 block, u64 count)
{
    struct gpt_new gpt = {block, count, type, disk_uuid, part_uuid, "tank"};
    u64 tail_lba = count - gpt_tail_blocks(block);

    memset(head, 0xaa, sizeof head);
    memset(tail, 0xaa, sizeof tail);
    CHECK_EQ(gpt_build(&gpt, head, tail), 0);
    CHECK_EQ(gpt_head_blocks(block) * block, 16384 + 2 * block);
    check_table(block, count, 1, head + block, 2, head + 2 * (u64)block);
    check_table(block, count, count - 1, tail + 16384, tail_lba, tail);
    CHECK_EQ(head[450], 0xee); /* the protective MBR */
    CHECK_EQ(head[510] << 8 | head[511], 0x55aa);
    CHECK_EQ(head[16384 + 2 * block], 0xaa); /* nothing beyond */
    CHECK_EQ(tail[16384 + block], 0xaa);
}

TEST(round_trip)
{
    check_disk(512, 64 * MiB / 512);
    check_disk(4096, 64 * MiB / 4096);
    check_disk(512, (1ull << 40) + 12345);
}

TEST(too_small)
{
    struct gpt_new gpt = {512, 4 * MiB / 512 - 1, type, disk_uuid, part_uuid, "tank"};

    CHECK_EQ(gpt_build(&gpt, head, tail), -EINVAL);
}
