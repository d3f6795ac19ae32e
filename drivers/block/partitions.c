/* SPDX-License-Identifier: BSD-2-Clause */
/* The task that reads the partition tables. A disk that does not answer delays only the others'
 * tables. */
#include "drivers/block/partitions.h"

#include "core/kern/task.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/block/blk.h"
#include "drivers/block/gpt.h"
#include "mm/dma.h"
#include "mm/kheap.h"

/* The entries, rounded up to whole blocks of any size. */
#define BUFFER_BYTES GPT_ENTRIES_BYTES_MAX

static struct task task;

static int read_blocks(struct blkdev *dev, u64 lba, u32 bytes, const struct dma_buf *buf)
{
    struct blk_seg seg = {buf->bus, ALIGN_UP(bytes, dev->block_bytes)};
    struct blk_req req = {
        .op = BLK_READ,
        .lba = lba,
        .blocks = seg.bytes / dev->block_bytes,
        .segs = &seg,
        .seg_count = 1,
    };

    return blk_wait(dev, &req);
}

/* The table whose header is in this block. Return: 0, -ENOENT (none), -EINVAL (damaged), others:
 * the disk's. */
static int read_table(struct blkdev *dev, u64 lba, const struct dma_buf *buf, struct gpt *out)
{
    struct gpt_header header;
    int rc = read_blocks(dev, lba, dev->block_bytes, buf);

    if (rc == 0)
        rc = gpt_parse_header(&header, buf->cpu, dev->block_bytes, lba, dev->block_count);
    if (rc == 0)
        rc = read_blocks(dev, header.entries_lba, gpt_entries_bytes(&header), buf);
    return rc != 0 ? rc : gpt_parse_entries(out, &header, buf->cpu);
}

/* Spec: UEFI "Legacy Master Boot Record (MBR)". */
static bool has_boot_sector(struct blkdev *dev, const struct dma_buf *buf)
{
    const u8 *block = buf->cpu;

    return read_blocks(dev, 0, dev->block_bytes, buf) == 0 && block[510] == 0x55 &&
           block[511] == 0xaa;
}

static enum gpt_state find_table(struct blkdev *dev, const struct dma_buf *buf, struct gpt *out)
{
    int first, backup;

    if (dev->block_count <= GPT_HEADER_LBA)
        return GPT_NONE;
    first = read_table(dev, GPT_HEADER_LBA, buf, out);
    if (first == 0)
        return GPT_GOOD;
    backup = read_table(dev, dev->block_count - 1, buf, out);
    if (backup == 0)
        return GPT_BACKUP;
    if (first == -ENOENT && backup == -ENOENT)
        return GPT_NONE;
    return first == -EINVAL || backup == -EINVAL ? GPT_DAMAGED : GPT_UNREADABLE;
}

/* Keeps what was found, in no more memory than it takes. What was known before stays in memory:
 * somebody may be looking at it. */
static void publish(struct blkdev *dev, const struct gpt *found)
{
    size_t bytes = sizeof *found + found->count * sizeof found->parts[0];
    struct gpt *gpt = kmalloc(bytes);

    if (gpt == NULL)
        return;
    memcpy(gpt, found, bytes);
    __atomic_store_n(&dev->gpt, gpt, __ATOMIC_RELEASE);
}

static void read_partitions(struct blkdev *dev, const struct dma_buf *buf, struct gpt *gpt)
{
    gpt->state = find_table(dev, buf, gpt);
    if (gpt->state != GPT_GOOD && gpt->state != GPT_BACKUP)
        gpt->count = gpt->bad_count = 0;
    gpt->has_boot_sector = has_boot_sector(dev, buf);
    log_info("block", "%s: partition table: %s, %u partitions", dev->name,
             gpt_state_name(gpt->state), gpt->count);
    if (gpt->bad_count > 0)
        log_warn("block", "%s: %u partitions overlap others or lie outside of the disk", dev->name,
                 gpt->bad_count);
    publish(dev, gpt);
}

/* Reads one disk's table, or with NULL all. Return: 0, -ENOMEM. */
static int read_disks(struct blkdev *one)
{
    struct gpt *gpt = kmalloc(sizeof *gpt + GPT_ENTRIES_MAX * sizeof gpt->parts[0]);
    struct dma_buf buf;
    int rc = gpt != NULL ? dma_alloc(&buf, BUFFER_BYTES) : -ENOMEM;

    if (rc == 0) {
        for (struct blkdev *dev = blk_next(NULL); dev != NULL; dev = blk_next(dev)) {
            if (one == NULL || dev == one)
                read_partitions(dev, &buf, gpt);
        }
        dma_free(&buf);
    }
    kfree(gpt);
    return rc;
}

int partitions_read(struct blkdev *dev)
{
    return read_disks(dev);
}

static void partitions_main(void *arg unused)
{
    if (read_disks(NULL) != 0)
        log_error("block", "no memory to read partition tables");
    for (;;)
        task_wait();
}

int partitions_start(void)
{
    if (blk_next(NULL) == NULL)
        return 0;
    return task_start(&task, "partitions", TASK_DRIVER, 0, partitions_main, NULL);
}
