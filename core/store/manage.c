/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes and snapshots: made, copied, grown, deleted, opened. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

#define VOLUME_BYTES_MAX (STORE_EXTENTS_MAX * STORE_EXTENT)

static struct store_volume *volume_by_number(struct store *s, u32 number)
{
    list_for_each(at, &s->volumes)
    {
        struct store_volume *volume = list_entry(at, struct store_volume, link);

        if (volume->number == number)
            return volume;
    }
    return NULL;
}

static bool size_is_good(u64 bytes)
{
    return bytes && bytes % 512 == 0 && bytes <= VOLUME_BYTES_MAX;
}

/* Return: 0 if nothing of that name exists, -EEXIST. */
static int name_must_be_free(struct store *s, const char *name)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = record_find(s, name, false, &number, &buf, &record);

    return status == -ENOENT ? 0 : status ? status : -EEXIST;
}

int open_step(struct store *s, struct store_op *op)
{
    struct store_volume *volume = op->volume;
    struct store_record *record;
    struct store_buf *buf;
    int status = name_is_good(op->name) ? 0 : -EINVAL;

    if (!status)
        status = record_find(s, op->name, false, &op->number, &buf, &record);
    if (status)
        return status;
    if (volume_by_number(s, op->number))
        return -EBUSY;
    if (!size_is_good(record->bytes) || record->levels > STORE_LEVELS_MAX ||
        tree_levels(record->bytes) > record->levels)
        return -EIO;
    *volume = (struct store_volume){.number = op->number,
                                    .is_read_only = record->kind == STORE_OBJECT_SNAPSHOT,
                                    .bytes = record->bytes};
    list_push_back(&s->volumes, &volume->link);
    return 0;
}

int store_close(struct store *s, struct store_volume *volume)
{
    (void)s;
    if (volume->ops)
        return -EBUSY;
    list_remove(&volume->link);
    return 0;
}

int stat_step(struct store *s, struct store_op *op)
{
    struct store_info *info = op->info;
    struct store_record *record;
    struct store_buf *buf;
    int status = record_get(s, op->number, &buf, &record);

    if (!status && (!record->kind || record->is_deleting))
        status = -ENOENT;
    if (status)
        return status;
    *info = (struct store_info){.kind = record->kind,
                                .id = record->id,
                                .origin = record->origin,
                                .created_s = record->created_s,
                                .bytes = record->bytes,
                                .mapped_bytes = record->mapped * STORE_EXTENT};
    (void)str_copy(info->name, sizeof info->name, record->name);
    return 0;
}

static int create(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = name_must_be_free(s, op->name);

    if (!status)
        status = record_new(s, &number, &buf, &record);
    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    record_fill(s, number, record, op->name, STORE_OBJECT_VOLUME, op->created_s);
    record->bytes = op->bytes;
    record->levels = (u8)tree_levels(op->bytes);
    cache_dirty(s, buf);
    return 0;
}

int create_step(struct store *s, struct store_op *op)
{
    if (!name_is_good(op->name) || !size_is_good(op->bytes))
        return -EINVAL;
    return op_change(s, op, create);
}

/* Writes in place are let end, and later ones held back, so that both sides see the same. */
static int hold_writes(struct store *s, struct store_op *op, u32 number)
{
    struct store_volume *volume = volume_by_number(s, number);

    if (!volume)
        return 0;
    volume->is_held = true;
    op->held = volume;
    return volume->writes ? -EAGAIN : 0;
}

static int copy(struct store *s, struct store_op *op)
{
    struct store_record *from, *to;
    struct store_buf *from_buf, *to_buf, *refs;
    u32 from_number, to_number, *ref = NULL;
    int status = name_must_be_free(s, op->name);

    if (!status)
        status = record_find(s, op->from, false, &from_number, &from_buf, &from);
    if (!status)
        status = hold_writes(s, op, from_number);
    if (!status)
        status = record_new(s, &to_number, &to_buf, &to);
    /* The new record's block may have been added, which begins a new step. */
    if (!status)
        status = record_get(s, from_number, &from_buf, &from);
    if (!status && from->root)
        status = node_ref_get(s, from->root, &refs, &ref);
    if (!status && ref && (!*ref || *ref >= STORE_REF_MAX))
        status = -EIO;
    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    record_fill(s, to_number, to, op->name,
                op->kind == STORE_CLONE ? STORE_OBJECT_VOLUME : STORE_OBJECT_SNAPSHOT,
                op->created_s);
    to->origin = from->id;
    to->bytes = from->bytes;
    to->levels = from->levels;
    to->root = from->root;
    to->mapped = from->mapped;
    if (from->root)
        node_ref(s, from->root);
    s->needs_data_flush = true; /* if it is there, then with all that was written before */
    cache_dirty(s, to_buf);
    if (op->held)
        op->held->is_held = false;
    op->held = NULL;
    return 0;
}

int copy_step(struct store *s, struct store_op *op)
{
    if (!name_is_good(op->name) || !name_is_good(op->from))
        return -EINVAL;
    return op_change(s, op, copy);
}

static int grow(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = record_find(s, op->name, false, &number, &buf, &record);

    if (status)
        return status;
    if (record->kind == STORE_OBJECT_SNAPSHOT)
        return -EPERM;
    if (op->bytes < record->bytes)
        return -EINVAL;
    status = tree_raise(s, number, tree_levels(op->bytes));
    if (!status)
        status = record_get(s, number, &buf, &record);
    if (status)
        return status;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    record->bytes = op->bytes;
    cache_dirty(s, buf);
    op->number = number;
    return 0;
}

int grow_step(struct store *s, struct store_op *op)
{
    struct store_volume *volume;
    int status;

    if (!name_is_good(op->name) || !size_is_good(op->bytes))
        return -EINVAL;
    status = op_change(s, op, grow);
    volume = status ? NULL : volume_by_number(s, op->number);
    if (volume)
        volume->bytes = MAX(volume->bytes, op->bytes);
    return status;
}

static int delete_object(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    u32 number;
    int status = record_find(s, op->name, false, &number, &buf, &record);

    if (status)
        return status;
    if (volume_by_number(s, number))
        return -EBUSY;
    if (!cache_has_room(s, STORE_STEP_EXTRA))
        return -EAGAIN;
    record_kill(s, number, buf, record);
    return 0;
}

int delete_step(struct store *s, struct store_op *op)
{
    if (!name_is_good(op->name))
        return -EINVAL;
    return op_change(s, op, delete_object);
}

void reap_start(struct store *s)
{
    s->reap.at = 0;
    if (s->is_reaping)
        return;
    s->is_reaping = true;
    s->reap = (struct store_op){.kind = STORE_REAP, .status = -EAGAIN};
    list_push_back(&s->ops, &s->reap.link);
    s->again = true;
}

/* One object after the other, a bounded step at a time; between them others have their turn. */
int reap_step(struct store *s, struct store_op *op)
{
    struct store_record *record;
    struct store_buf *buf;
    int status;

    while (op->at < STORE_OBJECTS_MAX && !s->index[op->at].is_deleting)
        op->at++;
    s->is_reaping = op->at < STORE_OBJECTS_MAX;
    if (!s->is_reaping)
        return 0;
    if (!turn_take(s, op))
        return -EAGAIN;
    status = tree_prune(s, (u32)op->at);
    if (status == -ENODATA) {
        status = record_get(s, (u32)op->at, &buf, &record);
        if (!status && !cache_has_room(s, STORE_STEP_EXTRA))
            status = -EAGAIN;
        if (!status)
            record_clear(s, (u32)op->at, buf, record);
    }
    if (status == -EAGAIN)
        return status;
    turn_give(s, op);
    /* What is damaged stays as it is. */
    if (status)
        op->at++;
    s->again = true;
    return -EAGAIN;
}
