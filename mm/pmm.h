/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator of blocks of 2^order pages, orders 0 (4 KiB) to 18 (1 GiB), on
 * each NUMA node.
 *
 * One byte of metadata per page, free lists linked through the free pages themselves. A free block
 * is clean (zeroes), stale (what the host itself left there) or dirty (what a guest left there).
 * Dirty ones are zeroed by pmm_scrub when there is time, and by pmm_alloc if that has to take one:
 * nobody ever sees what a guest has left.
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

#define PMM_NODES_MAX       16u
#define PMM_NODE_RANGES_MAX 64u
#define PMM_NODE_ANY        (~0u)

/* What promises leave free for the hypervisor itself. */
#define PMM_RESERVE_BYTES (16 * MiB)

/* Who a block belongs to; each has its own counter, which shows leaks. */
enum pmm_use {
    PMM_HYPERVISOR, /* page tables, stacks, control blocks, heap slabs */
    PMM_GUEST,      /* guest RAM and second-level tables */
    PMM_IMAGE,      /* images kept in RAM */
    PMM_VOLUME,     /* what was written to volumes in RAM */
    PMM_DMA,        /* device rings and packet buffers */
    PMM_USE_COUNT,
};

/* What a block must hold when it is handed out. */
enum pmm_want {
    PMM_WANT_ANY,    /* undefined, but nothing of a guest */
    PMM_WANT_ZEROED, /* zeroes: large blocks that are clean first, then others, zeroed here */
    PMM_WANT_CLEAN,  /* zeroes, and without any work here */
};

struct pmm_stats {
    u64 total_bytes; /* RAM handed to the allocator at boot: free and used ones' sum, always */
    u64 free_bytes;
    u64 dirty_bytes;    /* of the free ones: still to be zeroed */
    u64 promised_bytes; /* of the free ones: given back by guests that may take them again */
    u64 used_bytes[PMM_USE_COUNT];
};

struct pmm_node_stats {
    u64 total_bytes;
    u64 free_bytes;
};

/* RAM of a NUMA node; nodes are numbered from 0 without gaps. */
struct pmm_node_range {
    u64 base;
    u64 end; /* exclusive */
    u32 node;
};

/*
 * Says which RAM is whose, sorted by address; what is in no range belongs to node 0. Nothing
 * said: one node. Ranges beyond the limits, or of nodes beyond, are node 0's. Context: boot,
 * before pmm_init.
 */
void pmm_set_nodes(const struct pmm_node_range *ranges, u32 count);

/*
 * Takes over all usable RAM; the metadata is carved out of it. The direct map must cover it. Lent
 * ranges begin as allocated blocks of images, the largest there are from their start on:
 * pmm_order_of tells their sizes one after the other. Context: boot, pCPU 0, once. Return: 0,
 * -ENOMEM (no range can hold the metadata).
 */
int pmm_init(const struct memmap *map) must_check;

/*
 * Allocates a naturally aligned block on whatever node has one, the first nodes first. zeroed: the
 * content is zero; otherwise it is undefined. Context: any, interrupts included only if !zeroed.
 * Return: 0 and *out, or -ENOMEM.
 */
int pmm_alloc(unsigned order, enum pmm_use use, bool zeroed, hpa_t *out) must_check;

/* As pmm_alloc, but on that node only (PMM_NODE_ANY: any). */
int pmm_alloc_on(u32 node, unsigned order, enum pmm_use use, enum pmm_want want,
                 hpa_t *out) must_check;

/* As pmm_alloc, but below `limit` (exclusive), for devices and real-mode code. */
int pmm_alloc_below(unsigned order, enum pmm_use use, u64 limit, hpa_t *out) must_check;

/* Gives a block back; order and use as allocated. scrub: zero it first, here and now. */
void pmm_free(hpa_t block, unsigned order, enum pmm_use use, bool scrub);

/* Gives a block back that holds what a guest or a user left there: it is zeroed later, by pmm_scrub
 * or when it is needed. Context: as pmm_free, no lock held. */
void pmm_free_dirty(hpa_t block, unsigned order, enum pmm_use use);

/*
 * Zeroes up to so many bytes of free blocks that are dirty. Context: interrupts off (an allocation
 * may wait for the end of this call), one caller at a time. Return: false if there was nothing to
 * do.
 */
bool pmm_scrub(u64 max_bytes);

/* Has fn called, by whoever calls pmm_free_dirty, when there is something to do for pmm_scrub
 * again. Context: boot. */
void pmm_on_dirty(void (*fn)(void));

/* Makes an allocated block many of a smaller order, each to be freed by itself. */
void pmm_split_allocated(hpa_t block, unsigned order, unsigned to, enum pmm_use use);

/*
 * Memory that is free, and yet kept for somebody: whoever takes much asks pmm_available first. The
 * allocator itself does not look at promises. pmm_promise gives one if that much is available,
 * besides PMM_RESERVE_BYTES; pmm_promise_change adds to what is promised, or takes from it, in any
 * case. Context: any.
 */
bool pmm_promise(u64 bytes) must_check;
void pmm_promise_change(s64 bytes);

/* What is free and not promised. */
static inline u64 pmm_available(const struct pmm_stats *stats)
{
    return stats->free_bytes - MIN(stats->free_bytes, stats->promised_bytes);
}

/* The order of an allocated block. */
unsigned pmm_order_of(hpa_t block);

/* The smallest order whose blocks hold that many bytes (PMM_ORDER_MAX + 1 if none does). */
unsigned pmm_order_for(u64 bytes);

void pmm_get_stats(struct pmm_stats *out);

u32 pmm_node_count(void);
void pmm_get_node_stats(u32 node, struct pmm_node_stats *out);

/* The node with most free bytes. */
u32 pmm_freest_node(void);

#endif
