/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buddy allocator of physical pages.
 *
 * Each page has one byte of metadata, of which only those at the head of a block mean anything: the
 * rest is never read, so it is never written either and a large host does not pay for it at boot.
 * Free blocks of one order are linked through their first bytes, clean ones in front. Whoever takes
 * a clean block off its list wipes the link, which keeps "clean" true for every byte.
 */
#include "mm/pmm.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/list.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "core/x86/spinlock.h"
#include "mm/layout.h"

#define ORDERS (PMM_ORDER_MAX + 1)

/* Metadata of a block's first page. 0: not the head of any block. */
#define META_ORDER 0x1f /* order + 1 */
#define META_FREE  0x20
#define META_CLEAN 0x40 /* free blocks */
#define META_USE   0xc0 /* allocated blocks: enum pmm_use */

static struct {
    struct spinlock lock;
    u8 *meta;
    u64 page_count;
    struct list free[ORDERS];
    struct pmm_stats stats;
} pmm = {.lock = SPINLOCK_INIT("pmm", LOCK_PMM)};

static u64 block_bytes(unsigned order)
{
    return PAGE_SIZE << order;
}

static u8 *meta_of(u64 block)
{
    return &pmm.meta[block >> PAGE_SHIFT];
}

static struct list *link_of(u64 block)
{
    return hpa_to_ptr(hpa(block));
}

static void free_list_insert(u64 block, unsigned order, bool clean)
{
    if (clean)
        list_push_front(&pmm.free[order], link_of(block));
    else
        list_push_back(&pmm.free[order], link_of(block));
    *meta_of(block) = (u8)((order + 1) | META_FREE | (clean ? META_CLEAN : 0));
}

/* Return: true if the block is clean, then down to its link. */
static bool free_list_take(u64 block)
{
    bool clean = (*meta_of(block) & META_CLEAN) != 0;

    list_remove(link_of(block));
    memset(link_of(block), 0, sizeof(struct list));
    *meta_of(block) = 0;
    return clean;
}

/* Splits the block in halves until one of the wanted order is left, the lowest, not in any list. */
static void split(u64 block, unsigned from, unsigned to, bool clean)
{
    while (from > to) {
        from--;
        free_list_insert(block + block_bytes(from), from, clean);
    }
}

static void account_alloc(u64 block, unsigned order, enum pmm_use use)
{
    *meta_of(block) = (u8)((order + 1) | FIELD_PREP(META_USE, use));
    pmm.stats.free_bytes -= block_bytes(order);
    pmm.stats.used_bytes[use] += block_bytes(order);
}

/* The first block of the smallest order that will do. Return: false if there is none. */
static bool find_block(unsigned order, bool prefer_clean, u64 *block, unsigned *found)
{
    for (unsigned o = order; o < ORDERS; o++) {
        struct list *head = &pmm.free[o];

        if (list_empty(head))
            continue;
        *block = ptr_to_hpa(prefer_clean ? head->next : head->prev).v;
        *found = o;
        return true;
    }
    return false;
}

int pmm_alloc(unsigned order, enum pmm_use use, bool zeroed, hpa_t *out)
{
    bool clean = false;
    bool found;
    unsigned from;
    u64 block;
    u64 flags;

    if (order > PMM_ORDER_MAX)
        return -ENOMEM;
    flags = spin_lock_irqsave(&pmm.lock);
    found = find_block(order, zeroed, &block, &from);
    if (found) {
        clean = free_list_take(block);
        split(block, from, order, clean);
        account_alloc(block, order, use);
    }
    spin_unlock_irqrestore(&pmm.lock, flags);
    if (!found)
        return -ENOMEM;
    if (zeroed && !clean)
        memset(hpa_to_ptr(hpa(block)), 0, block_bytes(order));
    *out = hpa(block);
    return 0;
}

/* The smallest order that has a block whose lowest part ends below the limit. */
static bool find_block_below(unsigned order, u64 limit, u64 *block, unsigned *found)
{
    for (unsigned o = order; o < ORDERS; o++) {
        list_for_each(pos, &pmm.free[o])
        {
            *block = ptr_to_hpa(pos).v;
            *found = o;
            if (*block + block_bytes(order) <= limit)
                return true;
        }
    }
    return false;
}

int pmm_alloc_below(unsigned order, enum pmm_use use, u64 limit, hpa_t *out)
{
    unsigned from;
    bool found;
    u64 block;
    u64 flags;

    if (order > PMM_ORDER_MAX)
        return -ENOMEM;
    flags = spin_lock_irqsave(&pmm.lock);
    found = find_block_below(order, limit, &block, &from);
    if (found) {
        split(block, from, order, free_list_take(block));
        account_alloc(block, order, use);
    }
    spin_unlock_irqrestore(&pmm.lock, flags);
    if (!found)
        return -ENOMEM;
    *out = hpa(block);
    return 0;
}

/* Joins the block with its free buddies and puts the result on its list. */
static void merge_and_insert(u64 block, unsigned order, bool clean)
{
    while (order < PMM_ORDER_MAX) {
        u64 buddy = block ^ block_bytes(order);

        if (buddy >> PAGE_SHIFT >= pmm.page_count)
            break;
        if ((*meta_of(buddy) & (META_FREE | META_ORDER)) != (META_FREE | (order + 1)))
            break;
        clean &= free_list_take(buddy);
        block = MIN(block, buddy);
        order++;
    }
    free_list_insert(block, order, clean);
}

void pmm_free(hpa_t block, unsigned order, enum pmm_use use, bool scrub)
{
    u64 flags;

    if (scrub)
        memset(hpa_to_ptr(block), 0, block_bytes(order));
    flags = spin_lock_irqsave(&pmm.lock);
    assert(*meta_of(block.v) == ((order + 1) | FIELD_PREP(META_USE, use)));
    *meta_of(block.v) = 0;
    pmm.stats.free_bytes += block_bytes(order);
    pmm.stats.used_bytes[use] -= block_bytes(order);
    merge_and_insert(block.v, order, scrub);
    spin_unlock_irqrestore(&pmm.lock, flags);
}

unsigned pmm_order_of(hpa_t block)
{
    u8 meta = *meta_of(block.v);

    assert((meta & META_FREE) == 0 && (meta & META_ORDER) != 0);
    return (meta & META_ORDER) - 1u;
}

unsigned pmm_order_for(u64 bytes)
{
    unsigned order = 0;

    while (order <= PMM_ORDER_MAX && block_bytes(order) < bytes)
        order++;
    return order;
}

void pmm_get_stats(struct pmm_stats *out)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);

    *out = pmm.stats;
    spin_unlock_irqrestore(&pmm.lock, flags);
}

/* The largest naturally aligned block at `base` that ends at or below `end`. */
static unsigned largest_order(u64 base, u64 end)
{
    unsigned order = 0;

    while (order < PMM_ORDER_MAX && IS_ALIGNED(base, block_bytes(order + 1)) &&
           base + block_bytes(order + 1) <= end)
        order++;
    return order;
}

/*
 * Marks every buddy that merging could ever look at from this block upwards as "no block": it may
 * lie in a hole, whose metadata nobody else writes. The heads of real blocks are written
 * afterwards.
 */
static void clear_buddies(u64 block, unsigned order)
{
    for (; order < PMM_ORDER_MAX; order++) {
        u64 buddy = block ^ block_bytes(order);

        if (buddy >> PAGE_SHIFT < pmm.page_count)
            *meta_of(buddy) = 0;
        block = MIN(block, buddy);
    }
}

static void insert_block(u64 block, unsigned order)
{
    free_list_insert(block, order, false);
    pmm.stats.total_bytes += block_bytes(order);
}

/* Counted as free with all the others, then taken from there. */
static void insert_lent_block(u64 block, unsigned order)
{
    pmm.stats.total_bytes += block_bytes(order);
    pmm.stats.free_bytes += block_bytes(order);
    account_alloc(block, order, PMM_IMAGE);
}

/* Calls fn for each of the largest blocks the ranges divide into. */
static void for_each_block(const struct memmap_range *ranges, u32 count,
                           void (*fn)(u64 block, unsigned order))
{
    for (u32 i = 0; i < count; i++) {
        u64 base = ranges[i].base;

        while (base < ranges[i].end) {
            unsigned order = largest_order(base, ranges[i].end);

            fn(base, order);
            base += block_bytes(order);
        }
    }
}

/* Takes the metadata from the first range above 1 MiB with room for it. Return: 0, -ENOMEM. */
static int carve_metadata(struct memmap *map)
{
    u64 bytes = ALIGN_UP(memmap_top(map) >> PAGE_SHIFT, PAGE_SIZE);

    for (u32 i = 0; i < map->count; i++) {
        u64 base = map->ranges[i].base;

        if (base < MiB || map->ranges[i].end - base < bytes)
            continue;
        pmm.meta = hpa_to_ptr(hpa(base));
        pmm.page_count = memmap_top(map) >> PAGE_SHIFT;
        map->ranges[i].base += bytes;
        return 0;
    }
    return -ENOMEM;
}

int pmm_init(const struct memmap *map)
{
    struct memmap left = *map;
    int rc = carve_metadata(&left);

    if (rc)
        return rc;
    memset(&pmm.stats, 0, sizeof(pmm.stats));
    for (unsigned order = 0; order < ORDERS; order++)
        list_init(&pmm.free[order]);
    for_each_block(left.ranges, left.count, clear_buddies);
    for_each_block(left.lent, left.lent_count, clear_buddies);
    for_each_block(left.ranges, left.count, insert_block);
    pmm.stats.free_bytes = pmm.stats.total_bytes;
    for_each_block(left.lent, left.lent_count, insert_lent_block);
    log_info("pmm", "%lu MiB free", (unsigned long)(pmm.stats.free_bytes / MiB));
    return 0;
}
