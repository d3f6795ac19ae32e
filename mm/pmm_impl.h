/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the page allocator share; private to mm/pmm*.c. */
#ifndef SOCLE_MM_PMM_IMPL_H
#define SOCLE_MM_PMM_IMPL_H

#include "core/lib/list.h"
#include "core/x86/spinlock.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define ORDERS (PMM_ORDER_MAX + 1)

/* Smaller blocks join whatever they hold; from this order on only with their like. */
#define KEEP_APART_ORDER PMM_ORDER_2M

/* What is in a free block, better ones first. */
enum content {
    CLEAN, /* zeroes */
    STALE, /* what the firmware, the loader or the hypervisor itself left */
    DIRTY, /* what a guest or a user left: to be zeroed before anybody sees it */
    CONTENTS,
};

/* Metadata of a block's first page. 0: not the head of any block. */
#define META_ORDER   0x1f /* order + 1 */
#define META_FREE    0x20
#define META_CONTENT 0xc0 /* free blocks: enum content */
#define META_USE     0xc0 /* allocated blocks: enum pmm_use */

struct node {
    struct list free[CONTENTS][ORDERS];
    u32 filled[CONTENTS]; /* bit per order: the list is not empty */
    u64 total_bytes;
    u64 free_bytes;
};

/* The block that is being zeroed: free, but in no list. bytes 0: none. */
struct scrub {
    u64 block;
    u64 bytes;
    u64 done_bytes;
    bool is_busy; /* somebody writes to it now */
};

struct pmm {
    struct spinlock lock; /* of everything but meta, ranges and node_count, set at boot */
    u8 *meta;
    u64 page_count;
    struct node nodes[PMM_NODES_MAX];
    u32 node_count;
    struct pmm_node_range ranges[PMM_NODE_RANGES_MAX];
    u32 range_count;
    struct scrub scrub;
    struct pmm_stats stats;
    void (*on_dirty)(void);
};

extern struct pmm pmm;

static inline u64 block_bytes(unsigned order)
{
    return PAGE_SIZE << order;
}

static inline u8 *meta_of(u64 block)
{
    return &pmm.meta[block >> PAGE_SHIFT];
}

/* The node of an address; *end: how far that holds at least. */
u32 pmm_node_at(u64 address, u64 *end);

/* Puts a block on its list as it is, with no merging. Context: lock held, or boot. */
void pmm_list_insert(u64 block, unsigned order, enum content content);

/* Takes a block off its list and wipes the link. Context: lock held. */
enum content pmm_list_take(u64 block);

/* The first block of a list. Context: lock held; the list is not empty. */
u64 pmm_list_first(const struct node *node, enum content content, unsigned order);

/* Splits a block that is in no list until the lowest part of the wanted order is left. */
void pmm_split(u64 block, unsigned from, unsigned to, enum content content);

/* Joins a block with its free buddies and puts the result on its list. Context: lock held. */
void pmm_merge_and_insert(u64 block, unsigned order, enum content content);

/*
 * Gives the block that is being zeroed back to the lists, if one of that order could be had then.
 * Context: lock held; let go in between if somebody writes to the block. Return: true if there was
 * one.
 */
bool pmm_scrub_cancel(unsigned order, u32 node, u64 *flags);

#endif
