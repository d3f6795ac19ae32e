/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator of blocks of 2^order pages, orders 0 (4 KiB) to 18 (1 GiB).
 *
 * One byte of metadata per page, free lists linked through the free pages themselves. A block is
 * "clean" when known to hold only zeroes: guest memory is scrubbed when it is freed, memory never
 * used since boot is not clean and is zeroed the first time a zeroed block is asked for.
 */
#ifndef SOCLE_MM_PMM_H
#define SOCLE_MM_PMM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/memmap.h"

#define PMM_ORDER_4K  0u
#define PMM_ORDER_2M  9u
#define PMM_ORDER_1G  18u
#define PMM_ORDER_MAX PMM_ORDER_1G

/* Who a block belongs to; each has its own counter, which shows leaks. */
enum pmm_use {
    PMM_HYPERVISOR, /* page tables, stacks, control blocks, heap slabs */
    PMM_GUEST,      /* guest RAM and second-level tables */
    PMM_IMAGE,      /* images kept in RAM */
    PMM_DMA,        /* device rings and packet buffers */
    PMM_USE_COUNT,
};

struct pmm_stats {
    u64 total_bytes; /* RAM handed to the allocator at boot */
    u64 free_bytes;
    u64 used_bytes[PMM_USE_COUNT];
};

/*
 * Takes over all usable RAM; the metadata is carved out of it. The direct map must cover it. Lent
 * ranges begin as allocated blocks of images, the largest there are from their start on:
 * pmm_order_of tells their sizes one after the other. Context: boot, pCPU 0, once. Return: 0,
 * -ENOMEM (no range can hold the metadata).
 */
int pmm_init(const struct memmap *map) must_check;

/*
 * Allocates a naturally aligned block. zeroed: the content is zero; otherwise it is undefined.
 * Context: any, interrupts included only if !zeroed. Return: 0 and *out, or -ENOMEM.
 */
int pmm_alloc(unsigned order, enum pmm_use use, bool zeroed, hpa_t *out) must_check;

/* As pmm_alloc, but below `limit` (exclusive), for devices and real-mode code. */
int pmm_alloc_below(unsigned order, enum pmm_use use, u64 limit, hpa_t *out) must_check;

/* Gives a block back; order and use as allocated. scrub: zero it first (guest memory always). */
void pmm_free(hpa_t block, unsigned order, enum pmm_use use, bool scrub);

/* The order of an allocated block. */
unsigned pmm_order_of(hpa_t block);

/* The smallest order whose blocks hold that many bytes (PMM_ORDER_MAX + 1 if none does). */
unsigned pmm_order_for(u64 bytes);

void pmm_get_stats(struct pmm_stats *out);

#endif
