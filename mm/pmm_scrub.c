/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zeroing free blocks that guests have used, while nobody needs them.
 *
 * At most 2 MiB is out of the lists at a time, and counted as free all the same: an allocation that
 * would fail without it puts it back, at worst after waiting for the piece that is being written.
 */
#include "core/lib/string.h"
#include "mm/pmm.h"
#include "mm/pmm_impl.h"

void pmm_on_dirty(void (*fn)(void))
{
    pmm.on_dirty = fn;
}

static bool find_dirty(u64 *block, unsigned *order)
{
    for (u32 i = 0; i < pmm.node_count; i++) {
        const struct node *node = &pmm.nodes[i];

        if (node->filled[DIRTY] == 0)
            continue;
        *order = (unsigned)__builtin_ctz(node->filled[DIRTY]);
        *block = pmm_list_first(node, DIRTY, *order);
        return true;
    }
    return false;
}

/* Context: lock held. */
static bool begin(void)
{
    unsigned order;
    u64 block;

    if (!find_dirty(&block, &order))
        return false;
    (void)pmm_list_take(block);
    if (order > PMM_ORDER_2M) {
        pmm_split(block, order, PMM_ORDER_2M, DIRTY);
        order = PMM_ORDER_2M;
    }
    pmm.scrub = (struct scrub){.block = block, .bytes = block_bytes(order)};
    return true;
}

/* Puts the block back. Context: lock held. */
static void end(enum content content)
{
    u64 bytes = pmm.scrub.bytes;

    pmm.scrub.bytes = 0;
    pmm.stats.dirty_bytes -= bytes; /* pmm_merge_and_insert counts it again, if it is dirty yet */
    pmm_merge_and_insert(pmm.scrub.block, pmm_order_for(bytes), content);
}

bool pmm_scrub(u64 max_bytes)
{
    struct scrub *scrub = &pmm.scrub;
    u64 at;
    u64 bytes;
    u64 flags = spin_lock_irqsave(&pmm.lock);

    if (scrub->bytes == 0 && !begin()) {
        spin_unlock_irqrestore(&pmm.lock, flags);
        return false;
    }
    at = scrub->block + scrub->done_bytes;
    bytes = MIN(max_bytes, scrub->bytes - scrub->done_bytes);
    scrub->is_busy = true;
    spin_unlock_irqrestore(&pmm.lock, flags);

    memset(hpa_to_ptr(hpa(at)), 0, bytes);

    flags = spin_lock_irqsave(&pmm.lock);
    scrub->is_busy = false;
    scrub->done_bytes += bytes;
    if (scrub->done_bytes == scrub->bytes)
        end(CLEAN);
    spin_unlock_irqrestore(&pmm.lock, flags);
    return true;
}

bool pmm_scrub_cancel(unsigned order, u32 node, u64 *flags)
{
    u64 unused_end;

    if (pmm.scrub.bytes < block_bytes(order) ||
        (node != PMM_NODE_ANY && pmm_node_at(pmm.scrub.block, &unused_end) != node))
        return false;
    if (pmm.scrub.is_busy) {
        spin_unlock_irqrestore(&pmm.lock, *flags);
        cpu_pause();
        *flags = spin_lock_irqsave(&pmm.lock);
    } else {
        end(DIRTY);
    }
    return true;
}
