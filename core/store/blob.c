/* SPDX-License-Identifier: BSD-2-Clause */
/* Small objects: in nodes, so that checksums and commits cover all of their content. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

static u32 blocks_of(u64 bytes)
{
    return (u32)((bytes + STORE_BLOB_BYTES - 1) / STORE_BLOB_BYTES);
}

/* Gets what freeing the blob's nodes changes. */
static int get_counts(struct store *s, const struct store_record *record)
{
    int result = 0;

    for (u32 i = 0; i < STORE_BLOB_BLOCKS; i++) {
        struct store_buf *buf;
        u32 *ref;
        int status = record->blob[i] ? node_ref_get(s, record->blob[i], &buf, &ref) : 0;

        if (!status && record->blob[i])
            status = table_get(s, record->blob[i] / STORE_EXTENT_BLOCKS, &buf, &ref);
        if (status && result != -EIO)
            result = status;
    }
    return result;
}

static void free_nodes(struct store *s, struct store_record *record)
{
    for (u32 i = 0; i < STORE_BLOB_BLOCKS; i++)
        if (record->blob[i])
            node_unref(s, record->blob[i]);
    memset(record->blob, 0, sizeof record->blob);
}

static void write_nodes(struct store *s, struct store_op *op, struct store_nodes *from,
                        struct store_record *record)
{
    record->bytes = op->bytes;
    for (u32 i = 0; i < blocks_of(op->bytes); i++) {
        u64 at = (u64)i * STORE_BLOB_BYTES;
        struct store_buf *buf = node_take(s, from, STORE_KIND_BLOB);

        record->blob[i] = buf->block;
        s->disk->copy_from(((struct store_blob *)(void *)buf->data)->data, op->mem, at,
                           (u32)MIN(op->bytes - at, (u64)STORE_BLOB_BYTES));
    }
}

/* The new content is there, and the old is not, in the same commit. */
static int put(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    struct store_record old;
    struct store_nodes from;
    u32 number;
    int status = record_find(s, op->name, true, &number, &buf, &record);
    bool is_new = status == -ENOENT;

    if (is_new)
        status = record_new(s, &number, &buf, &record);
    if (!status && !is_new)
        status = get_counts(s, record);
    if (!status && op->bytes)
        status = nodes_find(s, blocks_of(op->bytes), &from);
    if (status)
        return status;
    if (!cache_has_room(s, 4 * STORE_BLOB_BLOCKS + STORE_STEP_EXTRA))
        return -EAGAIN;
    if (is_new)
        record_fill(s, number, record, op->name, STORE_OBJECT_BLOB, op->created_s);
    /* New nodes first: freeing the old ones may free the extent that was found. */
    old = *record;
    memset(record->blob, 0, sizeof record->blob);
    write_nodes(s, op, &from, record);
    free_nodes(s, &old);
    record->created_s = op->created_s;
    cache_dirty(s, buf);
    return 0;
}

int blob_put_step(struct store *s, struct store_op *op)
{
    if (!name_is_good(op->name) || op->bytes > STORE_BLOB_MAX)
        return -EINVAL;
    return op_change(s, op, put);
}

int blob_get_step(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = name_is_good(op->name) ? 0 : -EINVAL;

    if (!status)
        status = record_find(s, op->name, true, &number, &buf, &record);
    if (status)
        return status;
    if (record->bytes > STORE_BLOB_MAX)
        return -EIO;
    if (record->bytes > op->bytes)
        return -E2BIG;
    /* Blocks may be replaced between two tries, so all are copied in one. */
    for (u32 i = 0; i < blocks_of(record->bytes); i++) {
        u64 at = (u64)i * STORE_BLOB_BYTES;
        struct store_buf *node;

        status = node_is_good(s, record->blob[i])
                     ? cache_get(s, record->blob[i], STORE_KIND_BLOB, &node)
                     : -EIO;
        if (status)
            return status;
        s->disk->copy_to(op->mem, at, ((struct store_blob *)(void *)node->data)->data,
                         (u32)MIN(record->bytes - at, (u64)STORE_BLOB_BYTES));
    }
    op->bytes = record->bytes;
    return 0;
}

static int delete_blob(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = record_find(s, op->name, true, &number, &buf, &record);

    if (!status)
        status = get_counts(s, record);
    if (status)
        return status;
    if (!cache_has_room(s, 4 * STORE_BLOB_BLOCKS + STORE_STEP_EXTRA))
        return -EAGAIN;
    free_nodes(s, record);
    record_clear(s, number, buf, record);
    return 0;
}

int blob_delete_step(struct store *s, struct store_op *op)
{
    if (!name_is_good(op->name))
        return -EINVAL;
    return op_change(s, op, delete_blob);
}
