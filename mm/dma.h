/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers that devices read and write: physically contiguous, zeroed, accounted apart. */
#ifndef SOCLE_MM_DMA_H
#define SOCLE_MM_DMA_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct dma_buf {
    void *cpu; /* where the driver sees it */
    hpa_t bus; /* where the device sees it: without an IOMMU, the physical address */
    u64 bytes; /* as asked for */
    u8 order;  /* of the pmm block */
};

/* Aligned to its size rounded up to a power of two, at least 4 KiB. Context: task. Return: 0,
 * -ENOMEM. */
int dma_alloc(struct dma_buf *buf, u64 bytes) must_check;

/* As dma_alloc, wholly below 4 GiB, for devices with 32-bit addresses. */
int dma_alloc_low(struct dma_buf *buf, u64 bytes) must_check;

/* The device no longer uses it. Scrubs it and clears *buf. Context: task. */
void dma_free(struct dma_buf *buf);

#endif
