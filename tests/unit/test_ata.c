/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/block/ata.c drivers/block/blk*.c tests/fakes/assert.c tests/fakes/log.c */
/* ATA commands in AHCI's memory; Identify data of good and hostile disks. */
#include "tests/unit/harness.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/block/ata.h"

#include <string.h>

static struct ahci_header header;
static struct ahci_table table;
static const struct ahci_slot slot = {&header, &table, {0x5000}};
static u64 trim[ATA_TRIM_ENTRIES + 1];
static struct blkdev disk = {.block_bytes = 512};

u64 time_ns(void)
{
    return 0;
}

struct task *task_current(void)
{
    return NULL;
}

void task_wake(struct task *task)
{
    (void)task;
}

void task_wait(void)
{
}

bool task_wait_until(u64 deadline)
{
    (void)deadline;
    return true;
}

int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg)
{
    (void)task, (void)name, (void)class, (void)pcpu, (void)entry, (void)arg;
    return 0;
}

static const struct ata_fis *build(struct blk_req *req, bool is_queued, u32 tag)
{
    memset(&table, 0xee, sizeof table);
    memset(trim, 0xee, sizeof trim);
    ata_build(&slot, req, is_queued, tag, trim, hpa(0x9000));
    CHECK_EQ(trim[ATA_TRIM_ENTRIES], 0xeeeeeeeeeeeeeeeeull);
    CHECK_EQ(header.table, 0x5000);
    CHECK_EQ(header.flags & AHCI_HEADER_CFL, 5);
    return (const void *)table.fis;
}

TEST(queued_transfers)
{
    struct blk_seg segs[] = {{{0x10200}, 1024}, {{0x20004}, 512}};
    struct blk_req req = {.op = BLK_WRITE,
                          .segs = segs,
                          .seg_count = 2,
                          .dev = &disk,
                          .rest = {.lba = 0x123456789abc, .blocks = 3}};
    const struct ata_fis *fis = build(&req, true, 17);

    CHECK_EQ(fis->type, ATA_FIS_H2D);
    CHECK_EQ(fis->command, ATA_WRITE_FPDMA);
    CHECK_EQ(fis->features, 3);
    CHECK_EQ(fis->count, 17 << 3);
    CHECK_EQ(fis->lba0 | fis->lba1 << 8 | fis->lba2 << 16 | (u64)fis->lba3 << 24 |
                 (u64)fis->lba4 << 32 | (u64)fis->lba5 << 40,
             0x123456789abc);
    CHECK_EQ(header.flags >> 16, 2);
    CHECK(header.flags & AHCI_HEADER_WRITE);
    CHECK_EQ(table.regions[0].address, 0x10200);
    CHECK_EQ(table.regions[0].bytes, 1023);
    CHECK_EQ(table.regions[1].address, 0x20004);
    CHECK_EQ(req.rest.blocks, 0);
}

TEST(transfers_have_an_end)
{
    struct blk_seg many[AHCI_REGIONS_MAX + 4], large = {{0x100000}, 3u << 20};
    struct blk_req req = {.op = BLK_READ, .segs = &large, .seg_count = 1, .dev = &disk};
    const struct ata_fis *fis;

    req.rest.blocks = large.bytes / 512;
    fis = build(&req, false, 0);
    CHECK_EQ(fis->command, ATA_READ_EXT);
    CHECK_EQ(fis->count | fis->count_high << 8, 2048); /* one mebibyte */
    CHECK_EQ(req.rest.lba, 2048);
    CHECK_EQ(header.flags >> 16, 1);
    for (u32 i = 0; i < AHCI_REGIONS_MAX + 4; i++)
        many[i] = (struct blk_seg){{0x1000ull * i}, 512};
    req.segs = many;
    req.seg_count = AHCI_REGIONS_MAX + 4;
    req.rest = (struct blk_cursor){.blocks = AHCI_REGIONS_MAX + 4};
    build(&req, false, 0);
    CHECK_EQ(header.flags >> 16, AHCI_REGIONS_MAX);
    CHECK_EQ(req.rest.blocks, 4);
}

TEST(others)
{
    struct blk_req req = {.op = BLK_DISCARD, .dev = &disk, .rest = {.lba = 7, .blocks = 70000}};
    const struct ata_fis *fis = build(&req, false, 0);

    CHECK_EQ(fis->command, ATA_DSM);
    CHECK_EQ(fis->features, ATA_DSM_TRIM);
    CHECK_EQ(trim[0], 7 | 65535ull << 48);
    CHECK_EQ(trim[1], 65542 | 4465ull << 48);
    CHECK_EQ(trim[2], 0);
    CHECK_EQ(req.rest.blocks, 0);
    req.rest = (struct blk_cursor){.blocks = 0xffffffff};
    build(&req, false, 0);
    CHECK_EQ(req.rest.blocks, 0xffffffff - 64 * 65535u);
    req = (struct blk_req){.op = BLK_FLUSH, .dev = &disk};
    CHECK_EQ(build(&req, false, 0)->command, ATA_FLUSH_EXT);
    CHECK_EQ(header.flags >> 16, 0);
}

static u16 words[256];

TEST(identify)
{
    struct ata_facts facts;

    memset(words, 0, sizeof words);
    CHECK_EQ(ata_parse_identify(&facts, words), -EOPNOTSUPP);
    words[83] = 0x0400;
    CHECK_EQ(ata_parse_identify(&facts, words), -EINVAL); /* no sectors */
    words[101] = 1;
    memcpy(words + 10, "0123                ", 20);
    memcpy(words + 27, "aFtsD si k                              ", 40);
    CHECK_EQ(ata_parse_identify(&facts, words), 0);
    CHECK_EQ(facts.block_count, 65536);
    CHECK_EQ(facts.block_bytes, 512);
    CHECK_EQ(facts.queue_depth, 0);
    CHECK_STR(facts.serial, "1032");
    CHECK_STR(facts.model, "Fast Disk");
    words[75] = 31;
    words[76] = 0x0100;
    words[106] = 0x5000;
    words[117] = 2048;
    CHECK_EQ(ata_parse_identify(&facts, words), 0);
    CHECK_EQ(facts.block_bytes, 4096);
    CHECK_EQ(facts.queue_depth, 32);
    words[118] = 1;
    CHECK_EQ(ata_parse_identify(&facts, words), -EOPNOTSUPP);
    memset(words, 0xff, sizeof words);
    CHECK_EQ(ata_parse_identify(&facts, words), -EINVAL);
    CHECK_EQ(facts.queue_depth, 0);
}
