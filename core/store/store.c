/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations in progress. Whenever anything has ended all of them are tried, in the order in
 * which they came: which one waited for it need not be known, and no wake-up can be lost.
 */
#include "core/store/store.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

struct kind {
    int (*step)(struct store *s, struct store_op *op);
    bool is_change; /* fails after a failed write of metadata */
};

static const struct kind kinds[STORE_OP_KINDS] = {
    [STORE_FORMAT] = {format_step, false},
    [STORE_MOUNT] = {mount_step, false},
    [STORE_READ] = {read_step, false},
    [STORE_WRITE] = {write_step, true},
    [STORE_ZERO] = {write_step, true},
    [STORE_DISCARD] = {write_step, true},
    [STORE_FLUSH] = {flush_step, true},
    [STORE_OPEN] = {open_step, false},
    [STORE_STAT] = {stat_step, false},
    [STORE_COMPARE] = {compare_step, false}, /* of maps */
    [STORE_CREATE] = {create_step, true},
    [STORE_SNAPSHOT] = {copy_step, true},
    [STORE_CLONE] = {copy_step, true},
    [STORE_GROW] = {grow_step, true},
    [STORE_DELETE] = {delete_step, true},
    [STORE_BLOB_PUT] = {blob_put_step, true},
    [STORE_BLOB_GET] = {blob_get_step, false},
    [STORE_BLOB_DELETE] = {blob_delete_step, true},
    [STORE_REAP] = {reap_step, true},
};

bool turn_take(struct store *s, struct store_op *op)
{
    if (s->turn && s->turn != op)
        return false;
    if (!s->turn)
        turn_next(s);
    s->turn = op;
    return true;
}

void turn_give(struct store *s, struct store_op *op)
{
    if (s->turn != op)
        return;
    s->turn = NULL;
    s->again = true;
}

void turn_next(struct store *s)
{
    s->turn_serial++;
}

int op_commit(struct store *s, struct store_op *op)
{
    if (!op->cycle) {
        op->cycle = s->cycles_begun + 1;
        s->cycle_wanted = MAX(s->cycle_wanted, op->cycle);
        s->again = true;
    }
    return s->cycles_durable >= op->cycle ? 0 : -EAGAIN;
}

int op_change(struct store *s, struct store_op *op,
              int (*change)(struct store *s, struct store_op *op))
{
    if (op->step == 0) {
        int status = turn_take(s, op) ? change(s, op) : -EAGAIN;

        if (status)
            return status;
        turn_give(s, op);
        op->step = 1;
    }
    return op_commit(s, op);
}

static bool is_data(const struct store_op *op)
{
    return op->kind == STORE_READ || op->kind == STORE_WRITE || op->kind == STORE_ZERO ||
           op->kind == STORE_DISCARD;
}

static void op_io_done(struct store_io *io)
{
    struct store_op *op = container_of(io, struct store_op, io);
    struct store *s = io->owner;

    if (is_data(op))
        s->data_ios[io->epoch]--;
    if (op->is_in_place)
        op->volume->writes--;
    op->is_in_place = false;
    op->is_waiting = false;
    op->has_io = true;
    store_run(s);
}

void op_submit_io(struct store *s, struct store_op *op)
{
    op->is_waiting = true;
    op->io.done = op_io_done;
    op->io.owner = s;
    s->disk->submit(s->disk, &op->io);
}

/* Lets go of what the operation has, whether it went well or not. */
static void release(struct store *s, struct store_op *op)
{
    turn_give(s, op);
    if (op->fill) {
        s->table_hints[op->fill->target / STORE_TABLE_REFS] |= TABLE_MAY_HAVE_EXTENTS;
        op->fill->state = FILL_FREE;
    }
    op->fill = NULL;
    if (op->held)
        op->held->is_held = false;
    op->held = NULL;
    if (is_data(op))
        op->volume->ops--;
    if (op == &s->reap)
        s->is_reaping = false;
    s->again = true;
}

static int step(struct store *s, struct store_op *op)
{
    bool is_mounting = op->kind == STORE_MOUNT || op->kind == STORE_FORMAT;
    int status;

    if (is_mounting != (s->state == STORE_UNMOUNTED))
        return -EBUSY;
    if (s->is_failed && kinds[op->kind].is_change)
        return -EIO;
    s->stepping = op;
    status = kinds[op->kind].step(s, op);
    s->stepping = NULL;
    return status;
}

/* Tries all; moves those that are done to `done`. */
static void try_all(struct store *s, struct list *done)
{
    list_for_each_safe(at, next, &s->ops)
    {
        struct store_op *op = list_entry(at, struct store_op, link);
        int status = op->is_waiting ? -EAGAIN : step(s, op);

        if (status == -EAGAIN)
            continue;
        release(s, op);
        list_remove(&op->link);
        op->status = status;
        if (op->done)
            list_push_back(done, &op->link);
    }
}

/*
 * Carries on whatever can go on. Disk requests that end at once call it again from within: that is
 * noted, and done here.
 */
void store_run(struct store *s)
{
    struct list done = LIST_INIT(done);

    s->again = true;
    if (s->is_running)
        return;
    s->is_running = true;
    while (s->again) {
        s->again = false;
        try_all(s, &done);
        commit_run(s);
        while (!list_empty(&done)) {
            struct store_op *op = list_entry(done.next, struct store_op, link);

            list_remove(&op->link);
            op->done(op);
        }
    }
    s->is_running = false;
}

void store_submit(struct store *s, struct store_op *op)
{
    op->status = -EAGAIN;
    op->step = 0;
    op->is_waiting = false;
    op->has_io = false;
    op->at = 0;
    op->cycle = 0;
    op->fill = NULL;
    op->held = NULL;
    op->is_in_place = false;
    if (is_data(op))
        op->volume->ops++;
    list_push_back(&s->ops, &op->link);
    store_run(s);
}

bool store_is_idle(const struct store *s)
{
    const struct store_commit *c = &s->commit;

    return list_empty(&s->ops) && !s->loads && !c->is_waiting && !c->homes &&
           (c->state == COMMIT_IDLE || s->is_failed);
}

bool store_has_changes(const struct store *s)
{
    return s->state == STORE_MOUNTED && !s->is_failed && s->dirty > 0;
}

void store_usage(const struct store *s, struct store_usage *out)
{
    u64 extents = s->g.end_extent - s->g.first_extent;

    *out =
        (struct store_usage){.total_bytes = s->g.blocks * STORE_BLOCK, .is_failed = s->is_failed};
    if (s->state != STORE_MOUNTED)
        return;
    out->free_bytes = s->root->free_extents * STORE_EXTENT;
    out->reserved_bytes = MIN(s->reserve, s->root->free_extents) * STORE_EXTENT;
    out->node_bytes = s->root->node_extents * STORE_EXTENT;
    out->data_bytes = extents * STORE_EXTENT - out->free_bytes - out->node_bytes;
    out->fixed_bytes = out->total_bytes - extents * STORE_EXTENT;
    out->objects = s->root->objects;
    out->commits = s->commits;
    out->commit_blocks = s->commit_blocks;
}
