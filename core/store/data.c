/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of volumes. An extent that is the volume's alone is written in place. Where there is none,
 * or it is shared, a new extent is filled whole, from zeroes or the old one, and mapped when the
 * disk has it: until then it belongs to nobody on the disk, and a crash loses nothing but this
 * write.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

#define RUN_MAX (1u * MiB) /* bytes of a request to the disk */

static int check_range(const struct store_op *op)
{
    if (op->kind != STORE_READ && op->volume->is_read_only)
        return -EPERM;
    if (op->offset % 512 || op->bytes % 512 || op->offset > op->volume->bytes ||
        op->bytes > op->volume->bytes - op->offset)
        return -EINVAL;
    return 0;
}

static void submit_data(struct store *s, struct store_op *op, enum store_io_kind kind, u64 offset,
                        void *buf)
{
    op->io = (struct store_io){.kind = kind, .offset = offset, .bytes = op->run, .buf = buf};
    if (!buf) {
        op->io.mem = op->mem;
        op->io.skip = op->at;
    }
    op->io.epoch = s->epoch;
    s->data_ios[s->epoch]++;
    op_submit_io(s, op);
}

static u64 index_at(const struct store_op *op)
{
    return (op->offset + op->at) / STORE_EXTENT;
}

static u32 offset_in_extent(const struct store_op *op)
{
    return (u32)((op->offset + op->at) % STORE_EXTENT);
}

/* Bytes of the operation in the extent it is at. */
static u32 piece(const struct store_op *op)
{
    return (u32)MIN(op->bytes - op->at, (u64)(STORE_EXTENT - offset_in_extent(op)));
}

static bool is_filling(const struct store *s, const struct store_op *op, u64 index)
{
    for (u32 i = 0; i < STORE_FILLS; i++)
        if (s->fills[i].state != FILL_FREE && s->fills[i].number == op->volume->number &&
            s->fills[i].index == index)
            return true;
    return false;
}

/* How long what begins with `path` goes on in one piece on the disk, or with nothing. */
static int find_run(struct store *s, struct store_op *op, const struct store_path *path,
                    bool with_counts)
{
    u32 run = piece(op);
    struct store_record *record;
    struct store_buf *buf;
    int status = record_get(s, op->volume->number, &buf, &record);

    if (status)
        return status;
    for (u64 n = 1; run < RUN_MAX && op->at + run < op->bytes; n++) {
        struct store_path next;

        /* Where the map ends for now the run does, too; the rest is a run of its own. */
        if (tree_walk(s, record, index_at(op) + n, with_counts, &next) || next.is_shared ||
            next.was_shared || next.extent != (path->extent ? path->extent + n : 0) ||
            (with_counts && is_filling(s, op, index_at(op) + n)))
            break;
        run += (u32)MIN(op->bytes - op->at - run, (u64)STORE_EXTENT);
    }
    op->run = run;
    return 0;
}

static int walk(struct store *s, struct store_op *op, bool with_counts, struct store_path *path)
{
    struct store_record *record;
    struct store_buf *buf;
    int status = record_get(s, op->volume->number, &buf, &record);

    return status ? status : tree_walk(s, record, index_at(op), with_counts, path);
}

static void read_zeroes(struct store *s, struct store_op *op)
{
    while (op->run) {
        u32 bytes = MIN(op->run, STORE_EXTENT);

        s->disk->copy_to(op->mem, op->at, s->zeroes, bytes);
        op->at += bytes;
        op->run -= bytes;
    }
}

int read_step(struct store *s, struct store_op *op)
{
    int status = check_range(op);

    if (op->has_io) {
        op->has_io = false;
        op->at += op->run;
        status = op->io.status;
    }
    while (!status && op->at < op->bytes) {
        struct store_path path;

        status = walk(s, op, false, &path);
        if (!status)
            status = find_run(s, op, &path, false);
        if (status)
            return status;
        if (path.extent) {
            submit_data(s, op, STORE_IO_READ, path.extent * STORE_EXTENT + offset_in_extent(op),
                        NULL);
            return -EAGAIN;
        }
        read_zeroes(s, op);
    }
    return status;
}

static struct store_fill *free_fill(struct store *s)
{
    for (u32 i = 0; i < STORE_FILLS; i++)
        if (s->fills[i].state == FILL_FREE)
            return &s->fills[i];
    return NULL;
}

static void write_fill(struct store *s, struct store_op *op)
{
    struct store_fill *fill = op->fill;
    u32 bytes = piece(op);

    fill->state = FILL_WRITE;
    op->run = STORE_EXTENT;
    if (bytes == STORE_EXTENT && op->kind == STORE_WRITE) {
        submit_data(s, op, STORE_IO_WRITE, fill->target * STORE_EXTENT, NULL);
        return;
    }
    if (op->kind == STORE_WRITE)
        s->disk->copy_from(fill->buf + offset_in_extent(op), op->mem, op->at, bytes);
    else
        memset(fill->buf + offset_in_extent(op), 0, bytes);
    submit_data(s, op, STORE_IO_WRITE, fill->target * STORE_EXTENT, fill->buf);
}

static int begin_fill(struct store *s, struct store_op *op, u64 source)
{
    struct store_fill *fill = free_fill(s);
    u64 target;
    int status = fill ? extent_find(s, &target) : -EAGAIN;

    if (status)
        return status;
    fill->number = op->volume->number;
    fill->index = index_at(op);
    fill->source = source;
    fill->target = target;
    fill->state = FILL_READ;
    op->fill = fill;
    op->run = STORE_EXTENT;
    if (source && piece(op) < STORE_EXTENT) {
        submit_data(s, op, STORE_IO_READ, source * STORE_EXTENT, fill->buf);
        return -EAGAIN;
    }
    memset(fill->buf, 0, STORE_EXTENT);
    write_fill(s, op);
    return -EAGAIN;
}

static int go_on_filling(struct store *s, struct store_op *op)
{
    struct store_fill *fill = op->fill;
    int status = op->has_io ? op->io.status : 0;

    op->has_io = false;
    if (status)
        return status;
    if (fill->state == FILL_READ) {
        write_fill(s, op);
        return -EAGAIN;
    }
    fill->state = FILL_MAP;
    if (!turn_take(s, op))
        return -EAGAIN;
    status = tree_set(s, fill->number, fill->index, fill->target);
    if (status)
        return status;
    turn_give(s, op);
    op->at += piece(op);
    fill->state = FILL_FREE;
    op->fill = NULL;
    return 0;
}

static int unmap(struct store *s, struct store_op *op)
{
    int status = turn_take(s, op) ? 0 : -EAGAIN;

    if (!status)
        status = tree_set(s, op->volume->number, index_at(op), 0);
    if (status)
        return status;
    turn_give(s, op);
    op->at += piece(op);
    return 0;
}

/* Moves over a part of the map where there is nothing. */
static void skip_hole(struct store_op *op, const struct store_path *path)
{
    u64 span = tree_span(path->hole_level);
    u64 end = (index_at(op) / span + 1) * span * STORE_EXTENT - op->offset;

    op->at = MIN(end, op->bytes);
}

/* One piece of a write that is not being filled. */
static int write_piece(struct store *s, struct store_op *op)
{
    bool is_unmapping = op->kind != STORE_WRITE && piece(op) == STORE_EXTENT;
    struct store_path path;
    int status;

    if (op->kind == STORE_DISCARD && !is_unmapping) {
        op->at += piece(op);
        return 0;
    }
    if (is_filling(s, op, index_at(op))) {
        turn_give(s, op); /* which mapping what is filled needs */
        return -EAGAIN;
    }
    if (s->turn != op && op->volume->is_held)
        return -EAGAIN;
    status = walk(s, op, true, &path);
    if (status)
        return status;
    if (op->kind != STORE_WRITE && !path.extent) {
        skip_hole(op, &path);
        return 0;
    }
    if (is_unmapping)
        return unmap(s, op);
    if (!path.extent || path.is_shared)
        return begin_fill(s, op, path.extent);
    if (path.was_shared) {
        s->wants_commit = true;
        return -EAGAIN;
    }
    op->run = piece(op);
    status = op->kind == STORE_WRITE ? find_run(s, op, &path, true) : 0;
    if (status)
        return status;
    op->is_in_place = true;
    op->volume->writes++;
    submit_data(s, op, STORE_IO_WRITE, path.extent * STORE_EXTENT + offset_in_extent(op),
                op->kind == STORE_WRITE ? NULL : s->zeroes);
    return -EAGAIN;
}

int write_step(struct store *s, struct store_op *op)
{
    int status = check_range(op);

    if (op->has_io && !op->fill) {
        op->has_io = false;
        op->at += op->run;
        status = op->io.status;
    }
    while (!status && op->at < op->bytes)
        status = op->fill ? go_on_filling(s, op) : write_piece(s, op);
    return status;
}

int flush_step(struct store *s, struct store_op *op)
{
    return op_commit(s, op);
}
