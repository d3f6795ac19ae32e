/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills the packet pool with DMA memory at boot. */
#include "drivers/net/pktbuf_pool.h"

#include "core/lib/errno.h"
#include "mm/dma.h"
#include "mm/kheap.h"

/* One allocation step: a 2 MiB block, so that the pool does not break up large pages. */
#define POOL_BLOCK_BYTES PAGE_2M

/* Buffers beyond those from boot: made so far, and asked for. Management task. */
static u32 added, reserved;

static int grow(u32 count)
{
    struct pktbuf *pkts = kzalloc(count * sizeof(*pkts));
    struct dma_buf block;

    if (!pkts)
        return -ENOMEM;
    if (dma_alloc(&block, (u64)count * PKTBUF_BYTES)) {
        kfree(pkts);
        return -ENOMEM;
    }
    for (u32 i = 0; i < count; i++) {
        u64 offset = (u64)i * PKTBUF_BYTES;

        pktbuf_pool_add(&pkts[i], (u8 *)block.cpu + offset, hpa(block.bus.v + offset));
    }
    return 0;
}

int pktbuf_pool_init(u32 count)
{
    u32 per_block = (u32)(POOL_BLOCK_BYTES / PKTBUF_BYTES);

    for (u32 done = 0; done < count; done += per_block) {
        if (grow(MIN(count - done, per_block)))
            return done ? 0 : -ENOMEM;
    }
    return 0;
}

int pktbuf_pool_reserve(u32 count)
{
    u32 wanted = reserved + count;
    int rc = wanted > added ? grow(wanted - added) : 0;

    if (rc)
        return rc;
    added = MAX(added, wanted);
    reserved = wanted;
    return 0;
}

void pktbuf_pool_unreserve(u32 count)
{
    reserved -= count;
}
