/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator's start, and what it tells of itself. */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "mm/pmm.h"
#include "mm/pmm_impl.h"

void pmm_set_nodes(const struct pmm_node_range *ranges, u32 count)
{
    pmm.range_count = 0;
    pmm.node_count = 1;
    for (u32 i = 0; i < count && pmm.range_count < PMM_NODE_RANGES_MAX; i++) {
        if (ranges[i].node >= PMM_NODES_MAX)
            continue;
        pmm.ranges[pmm.range_count++] = ranges[i];
        pmm.node_count = MAX(pmm.node_count, ranges[i].node + 1);
    }
}

u32 pmm_node_count(void)
{
    return pmm.node_count;
}

void pmm_get_stats(struct pmm_stats *out)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);

    *out = pmm.stats;
    spin_unlock_irqrestore(&pmm.lock, flags);
}

void pmm_get_node_stats(u32 node, struct pmm_node_stats *out)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);

    out->total_bytes = pmm.nodes[node].total_bytes;
    out->free_bytes = pmm.nodes[node].free_bytes;
    spin_unlock_irqrestore(&pmm.lock, flags);
}

u32 pmm_freest_node(void)
{
    struct pmm_node_stats stats;
    u64 most = 0;
    u32 best = 0;

    for (u32 i = 0; i < pmm.node_count; i++) {
        pmm_get_node_stats(i, &stats);
        if (stats.free_bytes > most) {
            most = stats.free_bytes;
            best = i;
        }
    }
    return best;
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

static struct node *count_block(u64 block, unsigned order)
{
    u64 end;
    struct node *node = &pmm.nodes[pmm_node_at(block, &end)];

    node->total_bytes += block_bytes(order);
    pmm.stats.total_bytes += block_bytes(order);
    return node;
}

static void insert_block(u64 block, unsigned order)
{
    count_block(block, order)->free_bytes += block_bytes(order);
    pmm.stats.free_bytes += block_bytes(order);
    pmm_list_insert(block, order, STALE);
}

static void insert_lent_block(u64 block, unsigned order)
{
    (void)count_block(block, order);
    pmm.stats.used_bytes[PMM_IMAGE] += block_bytes(order);
    *meta_of(block) = (u8)((order + 1) | FIELD_PREP(META_USE, PMM_IMAGE));
}

/* Calls fn for each of the largest blocks the ranges divide into; none crosses nodes. */
static void for_each_block(const struct memmap_range *ranges, u32 count,
                           void (*fn)(u64 block, unsigned order))
{
    for (u32 i = 0; i < count; i++) {
        u64 base = ranges[i].base;

        while (base < ranges[i].end) {
            unsigned order;
            u64 end;

            (void)pmm_node_at(base, &end);
            order = largest_order(base, MIN(end, ranges[i].end));
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

static void node_reset(struct node *node)
{
    memset(node, 0, sizeof(*node));
    for (u32 content = 0; content < CONTENTS; content++)
        for (u32 order = 0; order < ORDERS; order++)
            list_init(&node->free[content][order]);
}

int pmm_init(const struct memmap *map)
{
    static struct memmap left; /* too large for a stack */
    int rc;

    left = *map;
    rc = carve_metadata(&left);
    if (rc)
        return rc;
    memset(&pmm.stats, 0, sizeof(pmm.stats));
    pmm.scrub.bytes = 0;
    for (u32 i = 0; i < PMM_NODES_MAX; i++)
        node_reset(&pmm.nodes[i]);
    for_each_block(left.ranges, left.count, clear_buddies);
    for_each_block(left.lent, left.lent_count, clear_buddies);
    for_each_block(left.ranges, left.count, insert_block);
    for_each_block(left.lent, left.lent_count, insert_lent_block);
    log_info("pmm", "%lu MiB free on %u node%s", (unsigned long)(pmm.stats.free_bytes / MiB),
             pmm.node_count, pmm.node_count == 1 ? "" : "s");
    return 0;
}
