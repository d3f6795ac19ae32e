/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks of virtio hosts. One queue: all interrupts of a virtio device come as one here, and its
 * other end is a program, not a controller with a queue for each CPU.
 * Spec: Virtio 1.2 "Block Device".
 */
#include "drivers/block/virtio_blk.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/block/blk_text.h"
#include "drivers/block/blkq.h"
#include "drivers/driver.h"
#include "drivers/virtio/virtio_pci.h"
#include "mm/dma.h"
#include "mm/kheap.h"

#define QUEUE_SIZE 128u
#define DEPTH      32u
#define SEGS_MAX   16u        /* of data in a command */
#define BYTES_MAX  (1u << 20) /* the same */
#define ID_NS      (2 * NS_PER_S)

#define FEATURES                                                                           \
    (VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | \
     VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD |                   \
     VIRTIO_BLK_F_WRITE_ZEROES)

struct virtio_blk {
    struct blkdev dev; /* first */
    struct blkq q;
    struct blkq *queue; /* (c) &q, for blkdev */
    struct virtio_dev virtio;
    struct virtio_queue ring; /* queue lock */
    struct dma_buf cmds;
    u32 seg_bytes_max; /* (c) */
    u32 segs_max;      /* (c) */
    u32 discard_max;   /* (c) blocks of a command; the same for zeroes */
    u32 zeroes_max;    /* (c) */
};

static u32 disks; /* (c) after boot */

static struct virtio_blk_cmd *cmd_of(const struct virtio_blk *d, u32 tag)
{
    return (struct virtio_blk_cmd *)d->cmds.cpu + tag;
}

static hpa_t bus_of(const struct virtio_blk *d, const volatile void *at)
{
    return hpa(d->cmds.bus.v + (u64)((const volatile u8 *)at - (const volatile u8 *)d->cmds.cpu));
}

/* Lists the request's memory, as much as a command takes. Return: bytes, whole blocks. */
static u32 list_data(const struct virtio_blk *d, const struct blk_req *req, struct virtq_seg *segs,
                     u32 *count)
{
    struct blk_cursor at = req->rest;
    u32 bytes = 0, piece;

    while (*count <= d->segs_max &&
           (piece = blk_cursor_take(req, &at, MIN(d->seg_bytes_max, BYTES_MAX - bytes),
                                    &segs[*count].address)) > 0) {
        segs[*count].bytes = piece;
        segs[*count].device_writes = req->op == BLK_READ;
        bytes += piece;
        ++*count;
    }
    return bytes;
}

static u32 put_range(struct virtio_blk *d, struct virtio_blk_cmd *cmd, const struct blk_req *req,
                     struct virtq_seg *seg)
{
    u32 max = req->op == BLK_DISCARD ? d->discard_max : d->zeroes_max;
    u32 blocks = MIN(req->rest.blocks, max), sectors = d->dev.block_bytes / VIRTIO_BLK_SECTOR;

    cmd->range =
        (struct virtio_blk_range){.sector = req->rest.lba * sectors, .sectors = blocks * sectors};
    *seg = (struct virtq_seg){bus_of(d, &cmd->range), sizeof cmd->range, false};
    return blocks;
}

static int blk_start(struct blkq *q, struct blk_req *req, u32 tag)
{
    static const u32 types[BLK_OP_COUNT] = {
        [BLK_READ] = VIRTIO_BLK_T_IN,
        [BLK_WRITE] = VIRTIO_BLK_T_OUT,
        [BLK_FLUSH] = VIRTIO_BLK_T_FLUSH,
        [BLK_DISCARD] = VIRTIO_BLK_T_DISCARD,
        [BLK_WRITE_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES,
    };
    struct virtio_blk *d = q->driver_data;
    struct virtio_blk_cmd *cmd = cmd_of(d, tag);
    bool moves_data = req->op == BLK_READ || req->op == BLK_WRITE;
    struct virtq_seg segs[SEGS_MAX + 2];
    u32 count = 1, bytes = 0, blocks = 0;
    int rc;

    cmd->header = (struct virtio_blk_header){.type = types[req->op]};
    cmd->status = 0xff; /* none that counts as success */
    segs[0] = (struct virtq_seg){bus_of(d, &cmd->header), sizeof cmd->header, false};
    if (req->op != BLK_FLUSH)
        cmd->header.sector = req->rest.lba * (d->dev.block_bytes / VIRTIO_BLK_SECTOR);
    if (moves_data)
        bytes = list_data(d, req, segs, &count);
    else if (req->op != BLK_FLUSH)
        blocks = put_range(d, cmd, req, &segs[count++]);
    segs[count++] = (struct virtq_seg){bus_of(d, &cmd->status), 1, true};
    rc = virtq_add(&d->ring.vq, segs, count, cmd);
    if (rc != 0)
        return rc == -ENOSPC && q->in_flight > 0 ? -EAGAIN : -EIO;
    if (moves_data)
        blk_advance(req, bytes);
    else
        blk_advance_blocks(req, blocks);
    return 0;
}

static void blk_kick(struct blkq *q)
{
    struct virtio_blk *d = q->driver_data;

    virtio_kick(&d->ring);
}

static void blk_poll(struct blkq *q)
{
    struct virtio_blk *d = q->driver_data;
    struct virtio_blk_cmd *cmd;
    u32 written;

    do {
        while ((cmd = virtq_take(&d->ring.vq, &written)) != NULL)
            (void)blkq_end(q, (u32)(cmd - cmd_of(d, 0)), cmd->status == VIRTIO_BLK_S_OK ? 0 : -EIO);
    } while (!d->ring.vq.is_broken && virtq_irq_on(&d->ring.vq));
    if (d->ring.vq.is_broken)
        blkq_request_recovery(q);
}

static bool blk_is_present(struct blkq *q)
{
    const struct virtio_blk *d = q->driver_data;

    return pci_is_present(d->virtio.pci) && !virtio_needs_reset(&d->virtio);
}

/* From a reset device to a running one. */
static int start_device(struct virtio_blk *d)
{
    int rc = virtio_negotiate(&d->virtio, FEATURES);

    if (rc == 0)
        rc = virtio_queue_start(&d->virtio, &d->ring, 0, QUEUE_SIZE);
    if (rc == 0)
        virtio_driver_ok(&d->virtio);
    return rc;
}

static void give_up(struct virtio_blk *d, enum blk_state state, const char *why)
{
    pci_disable(d->virtio.pci);
    blk_set_state(&d->dev, state, why);
    blkq_kill(&d->q);
}

static void blk_recover(struct blkq *q, u32 tag)
{
    struct virtio_blk *d = q->driver_data;
    u64 features = d->virtio.features;

    if (q->is_dead)
        return;
    blkq_stop(q);
    if (!pci_is_present(d->virtio.pci)) {
        give_up(d, BLK_REMOVED, "it no longer answers");
        return;
    }
    log_warn("virtio-blk", "%s: %s: the device is reset", d->dev.name,
             tag != BLKQ_NO_TAG ? "a command is late" : "it broke the protocol");
    if (virtio_reset(&d->virtio) != 0) {
        give_up(d, BLK_FAILED, "it does not answer to a reset");
        return;
    }
    while (virtq_reclaim(&d->ring.vq) != NULL)
        ;
    blkq_fail_all(q, tag != BLKQ_NO_TAG ? -ETIMEDOUT : -EIO);
    if (start_device(d) != 0 || d->virtio.features != features) {
        give_up(d, BLK_FAILED, "it does not come back from a reset");
        return;
    }
    blkq_resume(q);
}

static bool blk_irq(void *arg)
{
    struct virtio_blk *d = arg;

    if (virtio_irq_claim(&d->virtio) == 0)
        return false;
    blkq_wake(&d->q);
    return true;
}

/* The disk's serial number; without a task yet, so it is waited for. */
static void read_id(struct virtio_blk *d)
{
    struct virtio_blk_cmd *cmd = cmd_of(d, 0);
    struct virtq_seg segs[] = {
        {bus_of(d, &cmd->header), sizeof cmd->header, false},
        {bus_of(d, cmd->id), sizeof cmd->id, true},
        {bus_of(d, &cmd->status), 1, true},
    };
    u64 deadline = time_ns() + ID_NS;
    u32 written;

    cmd->header = (struct virtio_blk_header){.type = VIRTIO_BLK_T_GET_ID};
    cmd->status = 0xff;
    if (virtq_add(&d->ring.vq, segs, ARRAY_SIZE(segs), cmd) != 0)
        return;
    virtio_kick(&d->ring);
    while (virtq_take(&d->ring.vq, &written) == NULL) {
        if (d->ring.vq.is_broken || time_ns() > deadline)
            return;
        cpu_pause();
    }
    if (cmd->status == VIRTIO_BLK_S_OK)
        blk_text(d->dev.serial, sizeof d->dev.serial, cmd->id, sizeof cmd->id);
}

/* Limits of the device's that would leave nothing are taken as ours. */
static u32 limit(const struct virtio_blk *d, u64 feature, u32 offset, u32 least, u32 most)
{
    u64 value = virtio_has(&d->virtio, feature) ? virtio_config_read(&d->virtio, offset, 4) : most;

    return value < least || value > most ? most : (u32)value;
}

/* Return: 0; -EOPNOTSUPP (blocks of another size), -EINVAL (nonsense). */
static int read_facts(struct virtio_blk *d)
{
    struct blkdev *dev = &d->dev;
    u64 sectors = virtio_config_read(&d->virtio, VIRTIO_BLK_CAPACITY, 8);
    u32 per_block;

    dev->block_bytes = virtio_has(&d->virtio, VIRTIO_BLK_F_BLK_SIZE)
                           ? (u32)virtio_config_read(&d->virtio, VIRTIO_BLK_BLK_SIZE, 4)
                           : VIRTIO_BLK_SECTOR;
    if (dev->block_bytes != 512 && dev->block_bytes != 4096)
        return -EOPNOTSUPP;
    per_block = dev->block_bytes / VIRTIO_BLK_SECTOR;
    if (sectors < per_block || sectors > BLK_BYTES_MAX / VIRTIO_BLK_SECTOR)
        return -EINVAL;
    dev->block_count = sectors / per_block;
    dev->is_read_only = virtio_has(&d->virtio, VIRTIO_BLK_F_RO);
    dev->has_write_cache = virtio_has(&d->virtio, VIRTIO_BLK_F_FLUSH);
    dev->can_discard = virtio_has(&d->virtio, VIRTIO_BLK_F_DISCARD);
    dev->can_write_zeroes = virtio_has(&d->virtio, VIRTIO_BLK_F_WRITE_ZEROES);
    d->segs_max = limit(d, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_SEG_MAX, 1, SEGS_MAX);
    d->seg_bytes_max = ALIGN_DOWN(
        limit(d, VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_SIZE_MAX, dev->block_bytes, BYTES_MAX),
        dev->block_bytes);
    d->discard_max =
        limit(d, VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_DISCARD_MAX, per_block, 1u << 22) / per_block;
    d->zeroes_max =
        limit(d, VIRTIO_BLK_F_WRITE_ZEROES, VIRTIO_BLK_ZEROES_MAX, per_block, 1u << 22) / per_block;
    return 0;
}

static void fill_device(struct virtio_blk *d)
{
    static const struct blkq_ops ops = {
        .start = blk_start,
        .kick = blk_kick,
        .poll = blk_poll,
        .is_present = blk_is_present,
        .recover = blk_recover,
    };

    ksnprintf(d->dev.name, sizeof d->dev.name, "vd%u", disks);
    d->dev.driver = "virtio-blk";
    (void)str_copy(d->dev.model, sizeof d->dev.model, "virtio disk");
    (void)str_copy(d->dev.bdf, sizeof d->dev.bdf, d->virtio.pci->bdf);
    blkq_init(&d->q, &ops, d, DEPTH);
    d->q.is_polled = d->virtio.irq.kind == PCI_IRQ_NONE;
    d->queue = &d->q;
    d->dev.qs = &d->queue;
    d->dev.q_count = 1;
}

/* The last step is the one that lasts. */
static int bring_up(struct virtio_blk *d)
{
    int rc = dma_alloc(&d->cmds, DEPTH * sizeof(struct virtio_blk_cmd));

    if (rc != 0)
        return rc;
    if (virtio_irq_setup(&d->virtio, blk_irq, d) == PCI_IRQ_NONE)
        log_warn("virtio-blk", "%s: no interrupt arrives; it is polled every millisecond",
                 d->virtio.pci->bdf);
    rc = start_device(d);
    if (rc == 0)
        rc = read_facts(d);
    if (rc != 0)
        return rc;
    read_id(d);
    fill_device(d);
    return blkq_start_task(&d->q, d->dev.name, 0);
}

static int virtio_blk_probe(struct pci_device *pci)
{
    struct virtio_blk *d = kzalloc(sizeof *d);
    int rc;

    if (d == NULL)
        return -ENOMEM;
    rc = virtio_open(&d->virtio, pci);
    if (rc == 0) {
        rc = bring_up(d);
        if (rc == 0) {
            disks++;
            blk_register(&d->dev);
            return 0;
        }
        virtio_close(&d->virtio);
        while (virtq_reclaim(&d->ring.vq) != NULL)
            ;
        virtio_queue_free(&d->ring);
        if (d->cmds.cpu != NULL)
            dma_free(&d->cmds);
    }
    kfree(d);
    return rc;
}

static const struct pci_id virtio_blk_ids[] = {
    {VIRTIO_VENDOR_ID, 0x1042},
    {VIRTIO_VENDOR_ID, 0x1001}, /* one that also speaks the interface of before 1.0 */
    {0, 0},
};

const struct pci_driver virtio_blk_driver = {
    .name = "virtio-blk",
    .ids = virtio_blk_ids,
    .probe = virtio_blk_probe,
};
