/* SPDX-License-Identifier: BSD-2-Clause */
/* Device-visible buffers: blocks of the page allocator with their own counter. */
#include "mm/dma.h"

#include "core/lib/string.h"
#include "mm/layout.h"
#include "mm/pmm.h"

static void fill(struct dma_buf *buf, hpa_t block, unsigned order, u64 bytes)
{
    buf->cpu = hpa_to_ptr(block);
    buf->bus = block;
    buf->bytes = bytes;
    buf->order = (u8)order;
}

int dma_alloc(struct dma_buf *buf, u64 bytes)
{
    unsigned order = pmm_order_for(bytes);
    hpa_t block;
    int rc = pmm_alloc(order, PMM_DMA, true, &block);

    if (rc)
        return rc;
    fill(buf, block, order, bytes);
    return 0;
}

int dma_alloc_low(struct dma_buf *buf, u64 bytes)
{
    unsigned order = pmm_order_for(bytes);
    hpa_t block;
    int rc = pmm_alloc_below(order, PMM_DMA, 4 * GiB, &block);

    if (rc)
        return rc;
    fill(buf, block, order, bytes);
    memset(buf->cpu, 0, PAGE_SIZE << order);
    return 0;
}

void dma_free(struct dma_buf *buf)
{
    pmm_free(buf->bus, buf->order, PMM_DMA, true);
    *buf = (struct dma_buf){0};
}
