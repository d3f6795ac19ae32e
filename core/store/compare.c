/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where two volumes differ, by their maps alone: what both point to, neither has changed since it
 * was shared. So a snapshot and what was made of it are compared in a time that depends on the
 * changes, and no data are read.
 */
#include "core/lib/errno.h"
#include "core/store/store_impl.h"

#define STEPS_MAX 256u /* looks of an operation, so that it does not keep others waiting */

/* What a map has for an extent of its volume. */
struct place {
    u64 extent;                  /* 0: nothing */
    u32 hole_level;              /* without an extent: how far up there is nothing */
    u64 block[STORE_LEVELS_MAX]; /* nodes on the way there */
};

/* number: STORE_OBJECTS_MAX: a volume that has nothing. */
static int look(struct store *s, u32 number, u64 index, struct place *out)
{
    struct store_record *record;
    struct store_path path;
    struct store_buf *buf;
    int status;

    *out = (struct place){.hole_level = STORE_LEVELS_MAX};
    if (number == STORE_OBJECTS_MAX)
        return 0;
    status = record_get(s, number, &buf, &record);
    if (!status &&
        ((record->kind != STORE_OBJECT_VOLUME && record->kind != STORE_OBJECT_SNAPSHOT) ||
         record->is_deleting))
        status = -ENOENT;
    if (status || index >= tree_span(record->levels))
        return status; /* it is not so large */
    status = tree_walk(s, record, index, false, &path);
    if (status)
        return status;
    out->extent = path.extent;
    out->hole_level = path.hole_level;
    for (u32 level = 0; level < STORE_LEVELS_MAX; level++)
        out->block[level] = path.node[level] ? path.node[level]->block : 0;
    return 0;
}

/* How many extents, at a multiple of as many, are alike or not as this one is. */
static u64 span_of(const struct place *a, const struct place *b)
{
    for (u32 level = STORE_LEVELS_MAX; level--;) {
        if (a->block[level] && a->block[level] == b->block[level])
            return tree_span(level + 1);
    }
    return a->extent || b->extent ? 1 : tree_span(MIN(a->hole_level, b->hole_level));
}

int compare_step(struct store *s, struct store_op *op)
{
    for (u32 i = 0; i < STEPS_MAX && op->at < op->bytes; i++) {
        u64 at = op->offset + op->at, index = at / STORE_EXTENT, end;
        struct place a, b;
        int status = look(s, op->number, index, &a);

        if (!status)
            status = look(s, op->other, index, &b);
        if (status)
            return status;
        if (op->at == 0)
            op->is_different = a.extent != b.extent;
        else if (op->is_different != (a.extent != b.extent))
            break;
        end = (index / span_of(&a, &b) + 1) * span_of(&a, &b) * STORE_EXTENT;
        op->at += MIN(end - at, op->bytes - op->at);
    }
    op->bytes = op->at;
    return 0;
}
