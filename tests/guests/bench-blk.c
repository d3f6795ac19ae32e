/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: what does reading or writing 4 KiB of a disk cost the host? This guest does what the
 * disk's first bytes say, as often, so many at once, and polls: the host's own counters, with and
 * without these requests, tell the rest. Manual: Virtio 1.2, 5.2.6 "Device Operation".
 */
#include "tests/guests/lib/virtio.h"

#define VIRTIO_BLK 0x10421af4u
#define BLOCK      4096u
#define SECTORS    8u /* of a block */
#define T_IN       0u
#define T_OUT      1u
#define MAGIC      0x6b6c6262u /* "bblk" */

struct request {
    struct {
        u32 type;
        u32 reserved;
        u64 sector;
    } header;
    u8 status;
    struct descriptor parts[3] __attribute__((aligned(16)));
};

static struct queue queue;
static struct virtio blk = {.queue = &queue};
static struct request requests[QUEUE_SIZE];
static u8 data[QUEUE_SIZE][BLOCK] __attribute__((aligned(4096)));
static u16 added;

/* Each has a block of its own; writes leave the first one alone. */
static void prepare(u16 i, u32 type)
{
    struct request *r = &requests[i];

    r->header.type = type;
    r->header.sector = (i + type) * SECTORS;
    r->parts[0] = (struct descriptor){(u64)&r->header, sizeof(r->header), D_NEXT, 1};
    r->parts[1] =
        (struct descriptor){(u64)data[i], BLOCK, D_NEXT | (type == T_IN ? D_WRITE : 0), 2};
    r->parts[2] = (struct descriptor){(u64)&r->status, 1, D_WRITE, 0};
    queue.table[i] = (struct descriptor){(u64)r->parts, sizeof(r->parts), D_INDIRECT, 0};
}

static void request_blocks(u32 depth)
{
    for (u16 i = 0; i < depth; i++) {
        requests[i].status = 0xff;
        queue.driver[2 + added++ % QUEUE_SIZE] = i;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    queue.driver[1] = added;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    mmio_write16(blk.notify, 0);
    while (virtio_used(&blk) != added)
        __asm__ volatile("");
    for (u32 i = 0; i < depth; i++)
        EXPECT_EQ(requests[i].status, 0);
}

void guest_main(void)
{
    const volatile u32 *order = (const volatile u32 *)(const volatile void *)data[0];
    u32 count, depth, type;

    pic_disable();
    if (!virtio_find(&blk, VIRTIO_BLK))
        failure("no virtio-blk");
    mmio_write16(blk.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    EXPECT_EQ(virtio_start(&blk, F_VERSION_1 | F_INDIRECT), READY);
    for (u16 i = 0; i < QUEUE_SIZE; i++)
        prepare(i, T_IN);
    request_blocks(1);
    EXPECT_EQ(order[0], MAGIC);
    count = order[1];
    depth = order[2];
    type = order[3];
    EXPECT(depth >= 1 && depth <= QUEUE_SIZE);
    for (u16 i = 0; i < QUEUE_SIZE; i++)
        prepare(i, type);
    for (u32 i = 0; i < count; i += depth)
        request_blocks(depth);
}
