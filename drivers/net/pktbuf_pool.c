/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills the packet pool with DMA memory at boot. */
#include "drivers/net/pktbuf_pool.h"

#include "core/lib/errno.h"
#include "mm/dma.h"
#include "mm/kheap.h"

/* One allocation step: a 2 MiB block, so that the pool does not break up large pages. */
#define POOL_BLOCK_BYTES PAGE_2M

int pktbuf_pool_init(u32 count)
{
    struct pktbuf *pkts = kzalloc(count * sizeof(*pkts));
    u32 per_block = (u32)(POOL_BLOCK_BYTES / PKTBUF_BYTES);
    u32 done = 0;

    if (!pkts)
        return -ENOMEM;
    while (done < count) {
        u32 batch = MIN(count - done, per_block);
        struct dma_buf block;

        if (dma_alloc(&block, (u64)batch * PKTBUF_BYTES))
            return done ? 0 : -ENOMEM;
        for (u32 i = 0; i < batch; i++, done++) {
            u64 offset = (u64)i * PKTBUF_BYTES;

            pktbuf_pool_add(&pkts[done], (u8 *)block.cpu + offset, hpa(block.bus.v + offset));
        }
    }
    return 0;
}
