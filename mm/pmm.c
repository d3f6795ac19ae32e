/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buddy allocator of physical pages: allocation and release.
 *
 * Each page has one byte of metadata, of which only those at the head of a block mean anything: the
 * rest is never read, so it is never written either and a large host does not pay for it at boot.
 * Free blocks of one order, content and node are linked through their first bytes. Whoever takes a
 * block off its list wipes the link, which keeps "clean" true for every byte.
 *
 * Buddies of different content join below 2 MiB only, and the result has the worse one: a clean
 * large block does not have to be zeroed again because one page beside it was used. Those kept
 * apart join when the worse one has been zeroed, or when a larger block is wanted.
 */
#include "mm/pmm.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/pmm_impl.h"

struct pmm pmm = {.lock = SPINLOCK_INIT("pmm", LOCK_PMM), .node_count = 1};

static struct list *link_of(u64 block)
{
    return hpa_to_ptr(hpa(block));
}

u32 pmm_node_at(u64 address, u64 *end)
{
    *end = ~0ull;
    for (u32 i = 0; i < pmm.range_count; i++) {
        const struct pmm_node_range *r = &pmm.ranges[i];

        if (address < r->base) {
            *end = r->base;
            return 0;
        }
        if (address < r->end) {
            *end = r->end;
            return r->node;
        }
    }
    return 0;
}

static struct node *node_of(u64 block)
{
    u64 end;

    return &pmm.nodes[pmm.node_count == 1 ? 0 : pmm_node_at(block, &end)];
}

static unsigned free_order(u64 block)
{
    return (*meta_of(block) & META_ORDER) - 1u;
}

static enum content free_content(u64 block)
{
    return FIELD_GET(META_CONTENT, *meta_of(block));
}

void pmm_list_insert(u64 block, unsigned order, enum content content)
{
    struct node *node = node_of(block);

    list_push_front(&node->free[content][order], link_of(block));
    node->filled[content] |= 1u << order;
    *meta_of(block) = (u8)((order + 1) | META_FREE | FIELD_PREP(META_CONTENT, content));
}

enum content pmm_list_take(u64 block)
{
    struct node *node = node_of(block);
    enum content content = free_content(block);
    unsigned order = free_order(block);

    list_remove(link_of(block));
    if (list_empty(&node->free[content][order]))
        node->filled[content] &= ~(1u << order);
    memset(link_of(block), 0, sizeof(struct list));
    *meta_of(block) = 0;
    return content;
}

u64 pmm_list_first(const struct node *node, enum content content, unsigned order)
{
    return ptr_to_hpa(node->free[content][order].next).v;
}

void pmm_split(u64 block, unsigned from, unsigned to, enum content content)
{
    while (from > to) {
        from--;
        pmm_list_insert(block + block_bytes(from), from, content);
    }
}

/* The smallest order not below `order` that has a block of this content; ORDERS if none has. */
static unsigned smallest(const struct node *node, enum content content, unsigned order)
{
    u32 filled = node->filled[content] >> order;

    return filled ? order + (unsigned)__builtin_ctz(filled) : ORDERS;
}

/*
 * Chooses the list to take a block from. Small blocks come from the smallest block that will do, so
 * that large ones stay whole; of equals the content that saves most work, now or later.
 */
static bool choose(const struct node *node, unsigned order, enum pmm_want want,
                   enum content *content, unsigned *from)
{
    static const enum content preference[][CONTENTS] = {
        [PMM_WANT_ANY] = {STALE, CLEAN, DIRTY},
        [PMM_WANT_ZEROED] = {CLEAN, DIRTY, STALE},
        [PMM_WANT_CLEAN] = {CLEAN, CLEAN, CLEAN},
    };
    bool clean_first = want == PMM_WANT_ZEROED && order >= KEEP_APART_ORDER;

    *from = ORDERS;
    for (u32 i = 0; i < CONTENTS; i++) {
        enum content c = preference[want][i];
        unsigned o = smallest(node, c, order);

        if (want == PMM_WANT_ANY && c == DIRTY && *from < ORDERS)
            break;
        if (o >= *from)
            continue;
        *content = c;
        *from = o;
        if (clean_first && c == CLEAN)
            break;
    }
    return *from < ORDERS;
}

static void account_alloc(u64 block, unsigned order, enum pmm_use use, enum content content)
{
    *meta_of(block) = (u8)((order + 1) | FIELD_PREP(META_USE, use));
    node_of(block)->free_bytes -= block_bytes(order);
    pmm.stats.free_bytes -= block_bytes(order);
    pmm.stats.used_bytes[use] += block_bytes(order);
    if (content == DIRTY)
        pmm.stats.dirty_bytes -= block_bytes(order);
}

/* Return: true if the buddy is free, of the same order and node. */
static bool is_free_buddy(u64 block, u64 buddy, unsigned order)
{
    return buddy >> PAGE_SHIFT < pmm.page_count &&
           (*meta_of(buddy) & (META_FREE | META_ORDER)) == (META_FREE | (order + 1)) &&
           node_of(buddy) == node_of(block);
}

/* Joins the blocks of a list with buddies that hold something worse. Return: true if any did. */
static bool join_list(struct node *node, enum content content, unsigned order)
{
    bool joined = false;

    list_for_each_safe(pos, next, &node->free[content][order])
    {
        u64 block = ptr_to_hpa(pos).v, buddy = block ^ block_bytes(order);
        enum content worse;

        if (!is_free_buddy(block, buddy, order))
            continue;
        worse = MAX(content, free_content(buddy));
        if (worse == DIRTY)
            pmm.stats.dirty_bytes += block_bytes(order);
        (void)pmm_list_take(buddy);
        (void)pmm_list_take(block);
        pmm_list_insert(MIN(block, buddy), order + 1, worse);
        joined = true;
    }
    return joined;
}

/* Joins large buddies that differ in content, from small to large. Return: true if any did. */
static bool join_unlike(struct node *node)
{
    bool joined = false;

    for (unsigned order = KEEP_APART_ORDER; order < PMM_ORDER_MAX; order++) {
        joined |= join_list(node, CLEAN, order);
        joined |= join_list(node, STALE, order);
    }
    return joined;
}

static bool take_from(struct node *node, unsigned order, enum pmm_use use, enum pmm_want want,
                      u64 *block, enum content *content)
{
    unsigned from;

    if (!choose(node, order, want, content, &from) &&
        (order <= KEEP_APART_ORDER || want == PMM_WANT_CLEAN || !join_unlike(node) ||
         !choose(node, order, want, content, &from)))
        return false;
    *block = pmm_list_first(node, *content, from);
    (void)pmm_list_take(*block);
    pmm_split(*block, from, order, *content);
    account_alloc(*block, order, use, *content);
    return true;
}

/* Context: lock held. */
static bool take(u32 node, unsigned order, enum pmm_use use, enum pmm_want want, u64 *block,
                 enum content *content)
{
    if (node != PMM_NODE_ANY)
        return take_from(&pmm.nodes[node], order, use, want, block, content);
    for (u32 i = 0; i < pmm.node_count; i++) {
        if (take_from(&pmm.nodes[i], order, use, want, block, content))
            return true;
    }
    return false;
}

int pmm_alloc_on(u32 node, unsigned order, enum pmm_use use, enum pmm_want want, hpa_t *out)
{
    enum content content = STALE;
    bool found;
    u64 block;
    u64 flags;

    if (order > PMM_ORDER_MAX)
        return -ENOMEM;
    flags = spin_lock_irqsave(&pmm.lock);
    do
        found = take(node, order, use, want, &block, &content);
    while (!found && want != PMM_WANT_CLEAN && pmm_scrub_cancel(order, node, &flags));
    spin_unlock_irqrestore(&pmm.lock, flags);
    if (!found)
        return -ENOMEM;
    if (content == DIRTY || (want == PMM_WANT_ZEROED && content == STALE))
        memset(hpa_to_ptr(hpa(block)), 0, block_bytes(order));
    *out = hpa(block);
    return 0;
}

int pmm_alloc(unsigned order, enum pmm_use use, bool zeroed, hpa_t *out)
{
    return pmm_alloc_on(PMM_NODE_ANY, order, use, zeroed ? PMM_WANT_ZEROED : PMM_WANT_ANY, out);
}

/* The smallest order that has a block whose lowest part ends below the limit. */
static bool find_below(const struct node *node, unsigned order, u64 limit, u64 *block)
{
    for (unsigned o = order; o < ORDERS; o++) {
        for (u32 c = 0; c < CONTENTS; c++) {
            list_for_each(pos, &node->free[c][o])
            {
                *block = ptr_to_hpa(pos).v;
                if (*block + block_bytes(order) <= limit)
                    return true;
            }
        }
    }
    return false;
}

int pmm_alloc_below(unsigned order, enum pmm_use use, u64 limit, hpa_t *out)
{
    enum content content = STALE;
    bool found = false;
    u64 block;
    u64 flags;

    if (order > PMM_ORDER_MAX)
        return -ENOMEM;
    flags = spin_lock_irqsave(&pmm.lock);
    for (u32 i = 0; !found && i < pmm.node_count; i++)
        found = find_below(&pmm.nodes[i], order, limit, &block);
    if (found) {
        unsigned from = free_order(block);

        content = pmm_list_take(block);
        pmm_split(block, from, order, content);
        account_alloc(block, order, use, content);
    }
    spin_unlock_irqrestore(&pmm.lock, flags);
    if (!found)
        return -ENOMEM;
    if (content == DIRTY)
        memset(hpa_to_ptr(hpa(block)), 0, block_bytes(order));
    *out = hpa(block);
    return 0;
}

void pmm_merge_and_insert(u64 block, unsigned order, enum content content)
{
    u64 dirty_bytes = content == DIRTY ? block_bytes(order) : 0;

    for (; order < PMM_ORDER_MAX; order++) {
        u64 buddy = block ^ block_bytes(order);
        enum content other;

        if (!is_free_buddy(block, buddy, order) ||
            (order >= KEEP_APART_ORDER && free_content(buddy) != content))
            break;
        other = pmm_list_take(buddy);
        if (other == DIRTY)
            pmm.stats.dirty_bytes -= block_bytes(order);
        content = MAX(content, other);
        dirty_bytes = content == DIRTY ? block_bytes(order + 1) : 0;
        block = MIN(block, buddy);
    }
    pmm.stats.dirty_bytes += dirty_bytes;
    pmm_list_insert(block, order, content);
}

/* Return: true if there was nothing to scrub before, and is now. */
static bool give_back(u64 block, unsigned order, enum pmm_use use, enum content content)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);
    u64 dirty_before = pmm.stats.dirty_bytes;
    bool is_first;

    assert(*meta_of(block) == ((order + 1) | FIELD_PREP(META_USE, use)));
    *meta_of(block) = 0;
    node_of(block)->free_bytes += block_bytes(order);
    pmm.stats.free_bytes += block_bytes(order);
    pmm.stats.used_bytes[use] -= block_bytes(order);
    pmm_merge_and_insert(block, order, content);
    is_first = dirty_before == 0 && pmm.stats.dirty_bytes > 0;
    spin_unlock_irqrestore(&pmm.lock, flags);
    return is_first;
}

void pmm_free(hpa_t block, unsigned order, enum pmm_use use, bool scrub)
{
    if (scrub)
        memset(hpa_to_ptr(block), 0, block_bytes(order));
    (void)give_back(block.v, order, use, scrub ? CLEAN : STALE);
}

void pmm_free_dirty(hpa_t block, unsigned order, enum pmm_use use)
{
    if (give_back(block.v, order, use, DIRTY) && pmm.on_dirty != NULL)
        pmm.on_dirty();
}

void pmm_split_allocated(hpa_t block, unsigned order, unsigned to, enum pmm_use use)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);

    assert(*meta_of(block.v) == ((order + 1) | FIELD_PREP(META_USE, use)) && to <= order);
    for (u64 at = 0; at < block_bytes(order); at += block_bytes(to))
        *meta_of(block.v + at) = (u8)((to + 1) | FIELD_PREP(META_USE, use));
    spin_unlock_irqrestore(&pmm.lock, flags);
}

bool pmm_promise(u64 bytes)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);
    bool is_given = pmm_available(&pmm.stats) >= PMM_RESERVE_BYTES &&
                    pmm_available(&pmm.stats) - PMM_RESERVE_BYTES >= bytes;

    if (is_given)
        pmm.stats.promised_bytes += bytes;
    spin_unlock_irqrestore(&pmm.lock, flags);
    return is_given;
}

void pmm_promise_change(s64 bytes)
{
    u64 flags = spin_lock_irqsave(&pmm.lock);

    pmm.stats.promised_bytes += (u64)bytes;
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
