/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps of volumes: trees of nodes, as page tables are. A node or extent with more than one pointer
 * to it is shared, and so is all below it; before an entry changes, each shared node on the way is
 * replaced by a copy, from the top down. Each such step leaves a consistent pool.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

/* Extents below an entry of that level. */
u64 tree_span(u32 level)
{
    u64 span = 1;

    while (level--)
        span *= STORE_FANOUT;
    return span;
}

u32 tree_levels(u64 bytes)
{
    u64 extents = (bytes + STORE_EXTENT - 1) / STORE_EXTENT;
    u32 levels = 1;

    while (levels < STORE_LEVELS_MAX && extents > tree_span(levels))
        levels++;
    return levels;
}

static struct store_node *node_of(struct store_buf *buf)
{
    return (void *)buf->data;
}

static int node_get(struct store *s, u64 block, u32 level, struct store_buf **out)
{
    return node_is_good(s, block) ? cache_get(s, block, STORE_KIND_NODE + level, out) : -EIO;
}

static int add_sharing(struct store *s, u64 child, bool is_extent, struct store_path *path)
{
    struct store_buf *buf;
    u32 *ref;
    int status = is_extent ? table_get(s, child, &buf, &ref) : node_ref_get(s, child, &buf, &ref);

    if (status)
        return status;
    if (*ref != 1)
        path->is_shared = true;
    if (has_lost_pointer(buf, child % (is_extent ? STORE_TABLE_REFS : STORE_EXTENT_BLOCKS)))
        path->was_shared = true;
    return 0;
}

int tree_walk(struct store *s, const struct store_record *record, u64 index, bool with_counts,
              struct store_path *out)
{
    u64 block = record->root;

    memset(out, 0, sizeof *out);
    if (!record->levels || record->levels > STORE_LEVELS_MAX)
        return -EIO;
    for (u32 level = record->levels; level--;) {
        int status;

        out->hole_level = level + 1;
        if (!block)
            return 0;
        status = node_get(s, block, level, &out->node[level]);
        if (!status && with_counts)
            status = add_sharing(s, block, false, out);
        if (status)
            return status;
        out->at[level] = (u32)(index / tree_span(level) % STORE_FANOUT);
        block = node_of(out->node[level])->entry[out->at[level]];
    }
    out->hole_level = 0;
    out->extent = block;
    if (block && !extent_is_good(s, block))
        return -EIO;
    return block && with_counts ? add_sharing(s, block, true, out) : 0;
}

/* What points to a node: an entry of its parent, or the record. */
struct place {
    struct store_buf *buf;
    u64 *pointer;
    u32 *used; /* NULL: a record */
};

static void place_set(struct store *s, const struct place *at, u64 value)
{
    if (at->used)
        *at->used += (u32) !!value - (u32) !!*at->pointer;
    *at->pointer = value;
    cache_dirty(s, at->buf);
}

/* Gets the counts of all that a node points to. They must allow one pointer more. */
static int get_children(struct store *s, struct store_buf *buf, u32 level, u32 *count)
{
    int result = 0;

    for (u32 i = 0; i < STORE_FANOUT; i++) {
        u64 child = node_of(buf)->entry[i];
        struct store_buf *refs;
        u32 *ref;
        int status;

        if (!child)
            continue;
        status = level ? node_ref_get(s, child, &refs, &ref) : table_get(s, child, &refs, &ref);
        if (!status && (!*ref || *ref >= STORE_REF_MAX))
            status = -EIO;
        if (!status)
            cache_count(s, refs, count);
        else if (status != -EAGAIN)
            return status;
        else
            result = status; /* go on: all are loaded at the same time */
    }
    return result;
}

/* Replaces a shared node by a copy of its own. */
static int unshare(struct store *s, const struct place *at, struct store_buf *buf, u32 level)
{
    struct store_nodes from;
    struct store_buf *copy;
    u64 old = buf->block;
    u32 count = 0;
    int status;

    s->count_serial++;
    status = get_children(s, buf, level, &count);
    if (!status)
        status = nodes_find(s, 1, &from);
    if (status)
        return status;
    if (!cache_has_room(s, count + STORE_STEP_EXTRA))
        return -EAGAIN;
    copy = node_take(s, &from, STORE_KIND_NODE + level);
    node_of(copy)->used = node_of(buf)->used;
    memcpy(node_of(copy)->entry, node_of(buf)->entry, sizeof node_of(buf)->entry);
    for (u32 i = 0; i < STORE_FANOUT; i++) {
        u64 child = node_of(copy)->entry[i];

        if (child && level)
            node_ref(s, child);
        else if (child)
            extent_ref(s, child);
    }
    node_unref(s, old);
    place_set(s, at, copy->block);
    turn_next(s);
    return 0;
}

static int add_node(struct store *s, const struct place *at, u32 level)
{
    struct store_nodes from;
    int status = nodes_find(s, 1, &from);

    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    place_set(s, at, node_take(s, &from, STORE_KIND_NODE + level)->block);
    turn_next(s);
    return 0;
}

/*
 * Makes the way to an entry the volume's own, step by step. Return: 0: all of it is; -ENODATA:
 * there is nothing, and nothing was to be added; -EINTR: a step was done, begin anew.
 */
static int own_path(struct store *s, struct store_buf *record_buf, struct store_record *record,
                    u64 index, bool is_adding, struct store_path *path)
{
    struct place at = {.buf = record_buf, .pointer = &record->root};

    memset(path, 0, sizeof *path);
    if (!record->levels || record->levels > STORE_LEVELS_MAX)
        return -EIO;
    for (u32 level = record->levels; level--;) {
        struct store_buf *buf, *refs;
        u32 *ref;
        int status;

        if (!*at.pointer) {
            status = is_adding ? add_node(s, &at, level) : -ENODATA;
            return status ? status : -EINTR;
        }
        status = node_get(s, *at.pointer, level, &buf);
        if (!status)
            status = node_ref_get(s, *at.pointer, &refs, &ref);
        if (!status && *ref != 1) {
            status = unshare(s, &at, buf, level);
            return status ? status : -EINTR;
        }
        if (status)
            return status;
        path->node[level] = buf;
        path->at[level] = (u32)(index / tree_span(level) % STORE_FANOUT);
        at = (struct place){.buf = buf,
                            .pointer = &node_of(buf)->entry[path->at[level]],
                            .used = &node_of(buf)->used};
    }
    path->extent = *at.pointer;
    return path->extent || is_adding ? 0 : -ENODATA;
}

/* Gives back nodes of the path that hold nothing any more. */
static void drop_empty(struct store *s, struct store_buf *record_buf, struct store_record *record,
                       const struct store_path *path)
{
    for (u32 level = 0; level < record->levels; level++) {
        struct place at = {.buf = record_buf, .pointer = &record->root};
        u64 block = path->node[level]->block;

        if (node_of(path->node[level])->used)
            return;
        if (level + 1u < record->levels) {
            struct store_node *parent = node_of(path->node[level + 1]);

            at = (struct place){.buf = path->node[level + 1],
                                .pointer = &parent->entry[path->at[level + 1]],
                                .used = &parent->used};
        }
        place_set(s, &at, 0);
        node_unref(s, block);
    }
}

/* Gets the counts of the path's nodes, which are their table entries, too. */
static int get_path_counts(struct store *s, const struct store_path *path, u32 levels)
{
    for (u32 level = 0; level < levels; level++) {
        struct store_buf *buf;
        u32 *ref;
        u64 block = path->node[level]->block;
        int status = node_ref_get(s, block, &buf, &ref);

        if (!status)
            status = table_get(s, block / STORE_EXTENT_BLOCKS, &buf, &ref);
        if (status)
            return status;
    }
    return 0;
}

static int set_entry(struct store *s, struct store_buf *record_buf, struct store_record *record,
                     const struct store_path *path, u64 extent)
{
    struct place at = {.buf = path->node[0],
                       .pointer = &node_of(path->node[0])->entry[path->at[0]],
                       .used = &node_of(path->node[0])->used};
    struct store_buf *buf;
    u32 *ref;
    int status = path->extent ? table_get(s, path->extent, &buf, &ref) : 0;

    if (!status && extent)
        status = table_get(s, extent, &buf, &ref);
    if (!status && !extent)
        status = get_path_counts(s, path, record->levels);
    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    record->mapped += (u64) !!extent - (u64) !!path->extent;
    cache_dirty(s, record_buf);
    if (extent)
        extent_ref(s, extent);
    if (path->extent)
        extent_unref(s, path->extent);
    place_set(s, &at, extent);
    if (extent)
        s->needs_data_flush = true;
    else
        drop_empty(s, record_buf, record, path);
    turn_next(s);
    return 0;
}

int tree_set(struct store *s, u32 number, u64 index, u64 extent)
{
    for (;;) {
        struct store_record *record;
        struct store_buf *buf;
        struct store_path path;
        int status = record_get(s, number, &buf, &record);

        if (!status)
            status = own_path(s, buf, record, index, extent != 0, &path);
        if (!status)
            return set_entry(s, buf, record, &path, extent);
        if (status != -EINTR)
            return status == -ENODATA ? 0 : status;
    }
}

/* Gives back a node that is the object's own, and what it points to if these are extents. */
static int prune_node(struct store *s, const struct place *at, struct store_buf *buf, u32 level)
{
    u32 count = 0;
    struct store_buf *table;
    u32 *ref;
    int status;

    s->count_serial++;
    status = level ? 0 : get_children(s, buf, level, &count);
    if (!status)
        status = table_get(s, buf->block / STORE_EXTENT_BLOCKS, &table, &ref);
    if (status)
        return status;
    if (!cache_has_room(s, count + STORE_STEP_EXTRA))
        return -EAGAIN;
    for (u32 i = 0; i < STORE_FANOUT && !level; i++)
        if (node_of(buf)->entry[i])
            extent_unref(s, node_of(buf)->entry[i]);
    place_set(s, at, 0);
    node_unref(s, buf->block);
    turn_next(s);
    return 0;
}

static u64 *first_entry(struct store_buf *buf)
{
    for (u32 i = 0; i < STORE_FANOUT; i++)
        if (node_of(buf)->entry[i])
            return &node_of(buf)->entry[i];
    return NULL;
}

int tree_prune(struct store *s, u32 number)
{
    struct store_record *record;
    struct store_buf *buf, *refs;
    struct place at;
    u32 *ref;
    int status = record_get(s, number, &at.buf, &record);

    if (status || !record->root)
        return status ? status : -ENODATA;
    at.pointer = &record->root;
    at.used = NULL;
    for (u32 level = MIN(record->levels, STORE_LEVELS_MAX); level--;) {
        u64 *first;

        status = node_ref_get(s, *at.pointer, &refs, &ref);
        if (status)
            return status;
        if (*ref > 1 && cache_has_room(s, STORE_STEP_EXTRA)) {
            node_unref(s, *at.pointer);
            place_set(s, &at, 0);
            turn_next(s);
            return 0;
        }
        if (*ref > 1)
            return -EAGAIN;
        status = node_get(s, *at.pointer, level, &buf);
        if (status)
            return status;
        first = first_entry(buf);
        if (!level || !first)
            return prune_node(s, &at, buf, level);
        at = (struct place){.buf = buf, .pointer = first, .used = &node_of(buf)->used};
    }
    return -EIO;
}

int tree_raise(struct store *s, u32 number, u32 levels)
{
    for (;;) {
        struct store_record *record;
        struct store_buf *buf, *node;
        struct store_nodes from;
        int status = record_get(s, number, &buf, &record);

        if (status || record->levels >= levels)
            return status;
        status = record->root ? nodes_find(s, 1, &from) : 0;
        if (status)
            return status;
        if (!cache_has_room(s, STORE_STEP_EXTRA))
            return -EAGAIN;
        if (record->root) {
            node = node_take(s, &from, STORE_KIND_NODE + record->levels);
            node_of(node)->entry[0] = record->root;
            node_of(node)->used = 1;
            record->root = node->block;
        }
        record->levels++;
        cache_dirty(s, buf);
        turn_next(s);
    }
}
