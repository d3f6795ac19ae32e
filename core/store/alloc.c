/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents and nodes: who points to them, and which are free. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

#define SLOTS_ALL 0xffffu

int table_get(struct store *s, u64 extent, struct store_buf **buf, u32 **ref)
{
    int status;

    if (!extent_is_good(s, extent))
        return -EIO;
    status = cache_get(s, s->g.table + extent / STORE_TABLE_REFS, STORE_KIND_TABLE, buf);
    if (!status)
        *ref = &((struct store_table *)(void *)(*buf)->data)->ref[extent % STORE_TABLE_REFS];
    return status;
}

int node_ref_get(struct store *s, u64 block, struct store_buf **buf, u32 **ref)
{
    int status;

    if (!node_is_good(s, block))
        return -EIO;
    status = cache_get(s, ALIGN_DOWN(block, (u64)STORE_EXTENT_BLOCKS), STORE_KIND_NODE_REFS, buf);
    if (!status)
        *ref = &((struct store_node_refs *)(void *)(*buf)->data)->ref[block % STORE_EXTENT_BLOCKS];
    return status;
}

static bool bit_get(const u8 *map, u64 bit)
{
    return map[bit / 8] & (1u << (bit % 8));
}

bool has_lost_pointer(const struct store_buf *buf, u64 at)
{
    return bit_get(buf->lost[0], at) || bit_get(buf->lost[1], at);
}

static void lose_pointer(struct store *s, struct store_buf *buf, u64 at)
{
    buf->lost[0][at / 8] |= (u8)(1u << (at % 8));
    cache_dirty(s, buf);
}

/* Free, durably so, and nobody is about to take it. */
static bool is_free(const struct store *s, const struct store_buf *buf, u64 extent)
{
    u64 at = extent % STORE_TABLE_REFS;

    if (!extent_is_good(s, extent) ||
        ((const struct store_table *)(const void *)buf->data)->ref[at] || has_lost_pointer(buf, at))
        return false;
    for (u32 i = 0; i < STORE_FILLS; i++)
        if (s->fills[i].state != FILL_FREE && s->fills[i].target == extent)
            return false;
    return true;
}

/* Blocks of an extent of nodes that nobody uses; of other extents 0. */
static u32 free_slots(u32 ref)
{
    u32 count = 0;

    for (u32 slot = 0; slot < STORE_EXTENT_BLOCKS && (ref & STORE_REF_NODES); slot++)
        count += !(ref >> slot & 1);
    return count;
}

/* Looks through a block of the table, from `extent` on. `slots`: of nodes; 0: a free extent. */
static int find_in_block(struct store *s, u64 *extent, u32 slots)
{
    u64 block = *extent / STORE_TABLE_REFS, end = (block + 1) * STORE_TABLE_REFS;
    struct store_buf *buf;
    const u32 *ref;
    int status = cache_get(s, s->g.table + block, STORE_KIND_TABLE, &buf);

    if (status)
        return status;
    ref = ((const struct store_table *)(const void *)buf->data)->ref;
    for (u64 at = MAX(*extent, s->g.first_extent); at < end && at < s->g.end_extent; at++)
        if (slots ? free_slots(ref[at % STORE_TABLE_REFS]) >= slots : is_free(s, buf, at)) {
            *extent = at;
            return 0;
        }
    return -ENOENT;
}

/* Looks through the table, once around from s->next_extent on. -ENOENT. */
static int find_in_table(struct store *s, u32 slots, u64 *extent)
{
    u8 hint = slots ? TABLE_MAY_HAVE_NODES : TABLE_MAY_HAVE_EXTENTS;
    u64 first = s->next_extent / STORE_TABLE_REFS;

    for (u64 i = 0; i <= s->g.table_blocks; i++) {
        u64 block = (first + i) % s->g.table_blocks;
        u64 at = i ? block * STORE_TABLE_REFS : s->next_extent;
        int status;

        if (!(s->table_hints[block] & hint))
            continue;
        status = find_in_block(s, &at, slots);
        if (status != -ENOENT) {
            *extent = at;
            return status;
        }
        if (at == block * STORE_TABLE_REFS && slots <= 1)
            s->table_hints[block] &= (u8)~hint;
    }
    return -ENOENT;
}

static u64 extents_in_fills(const struct store *s)
{
    u64 count = 0;

    for (u32 i = 0; i < STORE_FILLS; i++)
        count += s->fills[i].state != FILL_FREE;
    return count;
}

/* Some extents were freed, but not durably yet: a commit may help. */
static int no_extent(struct store *s)
{
    if (!s->freed[0] && !s->freed[1])
        return -ENOSPC;
    if (s->freed[0])
        s->wants_commit = true;
    return -EAGAIN;
}

static int extent_any(struct store *s, u64 *extent)
{
    int status = find_in_table(s, 0, extent);

    return status == -ENOENT ? no_extent(s) : status;
}

int extent_find(struct store *s, u64 *extent)
{
    int status;

    if (s->root->free_extents <= s->reserve + extents_in_fills(s))
        return -ENOSPC;
    status = extent_any(s, extent);
    if (!status)
        s->next_extent = *extent + 1 < s->g.end_extent ? *extent + 1 : s->g.first_extent;
    return status;
}

/* Nodes are looked for in all of the table only if there are many: else it is not worth it. */
static int nodes_extent(struct store *s, u32 count, struct store_nodes *out)
{
    u64 slots = s->root->node_extents * (STORE_EXTENT_BLOCKS - 1);
    u64 unused_slots = slots > s->root->nodes ? slots - s->root->nodes : 0;
    struct store_buf *buf;
    u32 *ref;
    int status;

    out->is_fresh = false;
    if (s->node_extent) {
        status = table_get(s, s->node_extent, &buf, &ref);
        if (status)
            return status;
        out->extent = s->node_extent;
        if (free_slots(*ref) >= count)
            return 0;
    }
    status = unused_slots > count && unused_slots * 8 > slots
                 ? find_in_table(s, count, &out->extent)
                 : -ENOENT;
    if (status != -ENOENT)
        return status;
    out->is_fresh = true;
    status = extent_any(s, &out->extent);
    if (status != -ENOSPC)
        return status;
    out->is_fresh = false;
    status = find_in_table(s, count, &out->extent);
    return status == -ENOENT ? -ENOSPC : status;
}

int nodes_find(struct store *s, u32 count, struct store_nodes *out)
{
    u32 *ref;
    int status = nodes_extent(s, count, out);

    if (status)
        return status;
    status = table_get(s, out->extent, &out->table, &ref);
    if (status || out->is_fresh)
        return status;
    return node_ref_get(s, out->extent * STORE_EXTENT_BLOCKS + 1, &out->refs, &ref);
}

static void take_extent(struct store *s, struct store_nodes *from, u32 *ref)
{
    from->refs = cache_new(s, from->extent * STORE_EXTENT_BLOCKS, STORE_KIND_NODE_REFS);
    from->is_fresh = false;
    *ref = STORE_REF_NODES | 1;
    s->root->free_extents--;
    s->root->node_extents++;
}

struct store_buf *node_take(struct store *s, struct store_nodes *from, u32 kind)
{
    struct store_table *table = (void *)from->table->data;
    u32 *ref = &table->ref[from->extent % STORE_TABLE_REFS];
    u32 slot;

    if (from->is_fresh)
        take_extent(s, from, ref);
    slot = (u32)__builtin_ctz(~*ref & SLOTS_ALL);
    *ref |= 1u << slot;
    ((struct store_node_refs *)(void *)from->refs->data)->ref[slot] = 1;
    cache_dirty(s, from->table);
    cache_dirty(s, from->refs);
    cache_dirty(s, s->root_buf);
    s->root->nodes++;
    s->node_extent = from->extent;
    return cache_new(s, from->extent * STORE_EXTENT_BLOCKS + slot, kind);
}

static void free_extent(struct store *s, struct store_buf *table, u64 extent, u32 *ref)
{
    *ref = 0;
    lose_pointer(s, table, extent % STORE_TABLE_REFS);
    s->freed[0]++;
    s->root->free_extents++;
    s->table_hints[extent / STORE_TABLE_REFS] |= TABLE_MAY_HAVE_EXTENTS;
    cache_dirty(s, s->root_buf);
}

/* The block is there, as the caller has got it before. */
static u32 *extent_entry(struct store *s, u64 extent, struct store_buf **buf)
{
    u32 *ref = NULL;

    return table_get(s, extent, buf, &ref) ? NULL : ref;
}

void extent_ref(struct store *s, u64 extent)
{
    struct store_buf *buf;
    u32 *ref = extent_entry(s, extent, &buf);

    if (!ref)
        return;
    if (!(*ref)++) {
        s->root->free_extents--;
        cache_dirty(s, s->root_buf);
    }
    cache_dirty(s, buf);
}

bool extent_unref(struct store *s, u64 extent)
{
    struct store_buf *buf;
    u32 *ref = extent_entry(s, extent, &buf);

    if (!ref || !*ref || *ref > STORE_REF_MAX)
        return false;
    lose_pointer(s, buf, extent % STORE_TABLE_REFS);
    if (--*ref)
        return false;
    free_extent(s, buf, extent, ref);
    return true;
}

void node_ref(struct store *s, u64 block)
{
    struct store_buf *buf;
    u32 *ref;

    if (node_ref_get(s, block, &buf, &ref))
        return;
    ++*ref;
    cache_dirty(s, buf);
}

bool node_unref(struct store *s, u64 block)
{
    u64 extent = block / STORE_EXTENT_BLOCKS;
    struct store_buf *refs, *table;
    u32 *count, *ref;

    if (node_ref_get(s, block, &refs, &count) || !*count)
        return false;
    lose_pointer(s, refs, block % STORE_EXTENT_BLOCKS);
    if (--*count)
        return false;
    ref = extent_entry(s, extent, &table);
    if (!ref)
        return false;
    *ref &= ~(1u << (block % STORE_EXTENT_BLOCKS));
    s->root->nodes--;
    s->table_hints[extent / STORE_TABLE_REFS] |= TABLE_MAY_HAVE_NODES;
    cache_dirty(s, table);
    cache_dirty(s, s->root_buf);
    cache_forget(s, block);
    if (*ref != (STORE_REF_NODES | 1))
        return true;
    if (s->node_extent == extent)
        s->node_extent = 0;
    cache_forget(s, extent * STORE_EXTENT_BLOCKS);
    s->root->node_extents--;
    free_extent(s, table, extent, ref);
    return true;
}
