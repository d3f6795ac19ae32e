/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks made ready for a pool. */
#include "drivers/block/pool_disk.h"

#include "core/lib/errno.h"
#include "core/store/store_format.h"
#include "drivers/block/gpt_write.h"
#include "drivers/block/partitions.h"
#include "mm/dma.h"

#define END_BYTES    MiB
#define SAMPLE_BYTES (64 * KiB)
#define SAMPLES      64u

static int transfer(struct blkdev *dev, enum blk_op op, u64 lba, const struct dma_buf *buf,
                    u32 bytes)
{
    struct blk_seg seg = {buf->bus, bytes};
    struct blk_req req = {
        .op = op, .lba = lba, .blocks = bytes / dev->block_bytes, .segs = &seg, .seg_count = 1};

    return blk_wait(dev, &req);
}

static int flush(struct blkdev *dev)
{
    struct blk_req req = {.op = BLK_FLUSH};

    return blk_wait(dev, &req);
}

static bool is_zero(const u64 *words, u32 bytes)
{
    for (u32 i = 0; i < bytes / sizeof(*words); i++) {
        if (words[i] != 0)
            return false;
    }
    return true;
}

static int look_at(struct blkdev *dev, u64 lba, u64 bytes, const struct dma_buf *buf,
                   bool *is_blank)
{
    int rc = transfer(dev, BLK_READ, lba, buf, (u32)bytes);

    if (rc == 0 && !is_zero(buf->cpu, (u32)bytes))
        *is_blank = false;
    return rc;
}

int pool_disk_look(struct blkdev *dev, u64 first_lba, u64 blocks, bool *is_blank)
{
    u64 bytes = blocks * dev->block_bytes, end = MIN(bytes, END_BYTES);
    u64 step = blocks / SAMPLES;
    struct dma_buf buf;
    int rc = dma_alloc(&buf, END_BYTES);

    if (rc != 0)
        return rc;
    *is_blank = true;
    rc = look_at(dev, first_lba, end, &buf, is_blank);
    if (rc == 0)
        rc = look_at(dev, first_lba + blocks - end / dev->block_bytes, end, &buf, is_blank);
    for (u32 i = 1; rc == 0 && *is_blank && step * dev->block_bytes > SAMPLE_BYTES && i < SAMPLES;
         i++)
        rc = look_at(dev, first_lba + i * step, SAMPLE_BYTES, &buf, is_blank);
    dma_free(&buf);
    return rc;
}

/* The copy at the end first: a table that was begun is none before its first block is there. */
static int write_table(struct blkdev *dev, const struct dma_buf *head, const struct dma_buf *tail)
{
    u32 tail_blocks = gpt_tail_blocks(dev->block_bytes);
    int rc = transfer(dev, BLK_WRITE, dev->block_count - tail_blocks, tail,
                      tail_blocks * dev->block_bytes);

    if (rc == 0)
        rc = flush(dev);
    if (rc == 0)
        rc =
            transfer(dev, BLK_WRITE, 0, head, gpt_head_blocks(dev->block_bytes) * dev->block_bytes);
    return rc == 0 ? flush(dev) : rc;
}

int pool_disk_partition(struct blkdev *dev, const u8 *disk_uuid, const u8 *part_uuid,
                        const char *name)
{
    static const u8 type[16] = STORE_PARTITION_TYPE;
    struct gpt_new gpt = {dev->block_bytes, dev->block_count, type, disk_uuid, part_uuid, name};
    struct dma_buf head, tail;
    int rc = dma_alloc(&head, GPT_WRITE_BYTES_MAX);

    if (rc != 0)
        return rc;
    rc = dma_alloc(&tail, GPT_WRITE_BYTES_MAX);
    if (rc == 0) {
        rc = gpt_build(&gpt, head.cpu, tail.cpu);
        if (rc == 0)
            rc = write_table(dev, &head, &tail);
        dma_free(&tail);
    }
    dma_free(&head);
    return rc == 0 ? partitions_read(dev) : rc;
}
