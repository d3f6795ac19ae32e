/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills the packet pool with DMA memory: at boot, and as ports and networks come that need more.
 *
 * Memory comes in blocks whose size is a power of two, of which buffers fill all but a little: at
 * boot so large that the pool does not break up large pages, later as small as a few ports need. Of
 * big buffers there are none until a network with a large MTU asks for them.
 */
#include "drivers/net/pktbuf_pool.h"

#include "core/lib/errno.h"
#include "mm/dma.h"
#include "mm/kheap.h"

#define BOOT_BLOCK_BYTES PAGE_2M
#define BLOCK_BYTES      (64u * KiB)
#define BIG_BLOCK_BYTES  (256u * KiB)

/* Buffers beyond those from boot: made so far, and asked for. Management task. */
struct class
{
    u32 bytes; /* of a buffer */
    u32 block; /* bytes of the pieces they come in */
    void (*add)(struct pktbuf *pkt, u8 *buffer, hpa_t hpa);
    u32 made, reserved;
};

static struct class normal = {PKTBUF_BYTES, BLOCK_BYTES, pktbuf_pool_add, 0, 0};
static struct class big = {PKTBUF_BIG_BYTES, BIG_BLOCK_BYTES, pktbuf_pool_add_big, 0, 0};

/* Return: 0, -ENOMEM. */
static int grow(const struct class *class, u32 count)
{
    struct pktbuf *pkts = kzalloc(count * sizeof(*pkts));
    struct dma_buf block;

    if (!pkts)
        return -ENOMEM;
    if (dma_alloc(&block, (u64)count * class->bytes)) {
        kfree(pkts);
        return -ENOMEM;
    }
    for (u32 i = 0; i < count; i++) {
        u64 offset = (u64)i * class->bytes;

        class->add(&pkts[i], (u8 *)block.cpu + offset, hpa(block.bus.v + offset));
    }
    return 0;
}

int pktbuf_pool_init(u32 count)
{
    u32 per_block = (u32)(BOOT_BLOCK_BYTES / PKTBUF_BYTES);

    for (u32 done = 0; done < count; done += per_block) {
        if (grow(&normal, MIN(count - done, per_block)))
            return done ? 0 : -ENOMEM;
    }
    return 0;
}

/* What was made stays, also if it is not enough. */
static int reserve(struct class *class, u32 count)
{
    u32 wanted = class->reserved + count, per_block = class->block / class->bytes;

    while (class->made < wanted) {
        int rc = grow(class, per_block);

        if (rc)
            return rc;
        class->made += per_block;
    }
    class->reserved = wanted;
    return 0;
}

int pktbuf_pool_reserve(struct pktbuf_need need)
{
    int rc = reserve(&normal, need.count);

    if (rc)
        return rc;
    rc = reserve(&big, need.big);
    if (rc)
        normal.reserved -= need.count;
    return rc;
}

void pktbuf_pool_unreserve(struct pktbuf_need need)
{
    normal.reserved -= need.count;
    big.reserved -= need.big;
}
