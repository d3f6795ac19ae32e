/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting, which is recovery: the blocks of the last two commits are written to their places once
 * more. That takes the same few requests whatever the size of the pool, and whatever happened. Then
 * the records' names are read.
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

enum mount_step {
    MOUNT_SUPER,
    MOUNT_BACKUP,
    MOUNT_LOOK_A,
    MOUNT_LOOK_B,
    MOUNT_LOOK_ROOT,
    MOUNT_REPLAY_FIRST,
    MOUNT_REPLAY_SECOND,
    MOUNT_FLUSH,
    MOUNT_ROOT,
    MOUNT_INDEX,
};

static u8 *journal_block(struct store *s, u32 n)
{
    return (u8 *)s->journal + (STORE_JOURNAL_HEADS + n) * STORE_BLOCK;
}

static int request(struct store *s, struct store_op *op, enum store_io_kind kind, u64 block,
                   void *buf, u32 blocks)
{
    op->has_io = false;
    op->io = (struct store_io){
        .kind = kind, .offset = block * STORE_BLOCK, .bytes = blocks * STORE_BLOCK, .buf = buf};
    op_submit_io(s, op);
    return -EAGAIN;
}

static int next(struct store_op *op, u32 step)
{
    op->step = step;
    op->has_io = false;
    return 0;
}

/* Takes the superblock that was read. -ENOENT: it is none; -EINVAL: of another version or size. */
static int take_super(struct store *s, u64 block)
{
    const struct store_super *super = (const void *)s->journal;
    struct store_geometry g;

    if (super->magic != STORE_MAGIC || super->head.kind != STORE_KIND_SUPER)
        return -ENOENT;
    if (!block_is_good(s, super, block) || super->version != STORE_VERSION ||
        super->blocks > s->g.blocks || !store_geometry(&g, super->blocks))
        return -EINVAL;
    s->g = g;
    s->seed = crc32c(&s->crc, 0, super->uuid, sizeof super->uuid);
    return 0;
}

static int super_step(struct store *s, struct store_op *op)
{
    bool is_backup = op->step == MOUNT_BACKUP;
    u64 block = is_backup ? s->g.end_extent * STORE_EXTENT_BLOCKS : 0;
    int status;

    if (!op->has_io)
        return request(s, op, STORE_IO_READ, block, s->journal, 1);
    status = op->io.status ? op->io.status : take_super(s, block);
    if (!status)
        return next(op, MOUNT_LOOK_A);
    return is_backup ? status : next(op, MOUNT_BACKUP);
}

static bool target_is_good(const struct store *s, u64 block)
{
    return block == STORE_ROOT_BLOCK ||
           (block >= s->g.table && block < s->g.table + s->g.table_blocks) ||
           extent_is_good(s, block / STORE_EXTENT_BLOCKS);
}

static bool head_is_good(struct store *s, u32 slot)
{
    const struct store_journal *journal = s->journal;

    return block_is_good(s, journal, s->g.journal[slot]) &&
           journal->head.kind == STORE_KIND_JOURNAL && journal->count <= STORE_TXN_MAX &&
           (journal->generation & 1) == slot &&
           journal->more_crc == crc32c(&s->crc, s->seed, (const u8 *)journal + STORE_BLOCK,
                                       sizeof *journal - STORE_BLOCK);
}

/* True if the slot in memory holds a whole commit. */
static bool slot_is_whole(struct store *s, u32 slot)
{
    const struct store_journal *journal = s->journal;
    u32 crc = s->seed;

    if (!head_is_good(s, slot))
        return false;
    for (u32 i = 0; i < journal->count; i++) {
        if (!target_is_good(s, journal->target[i]) ||
            !block_is_good(s, journal_block(s, i), journal->target[i]))
            return false;
        crc = crc32c(&s->crc, crc, journal_block(s, i), sizeof(u32));
    }
    return crc == journal->blocks_crc;
}

/* Reads a slot's head, and the blocks it tells of: op->at counts these two requests. */
static int read_slot(struct store *s, struct store_op *op, u32 slot)
{
    if (op->has_io && op->io.status)
        return op->io.status;
    op->at++;
    if (op->at == 1)
        return request(s, op, STORE_IO_READ, s->g.journal[slot], s->journal, STORE_JOURNAL_HEADS);
    if (head_is_good(s, slot) && s->journal->count)
        return request(s, op, STORE_IO_READ, s->g.journal[slot] + STORE_JOURNAL_HEADS,
                       journal_block(s, 0), s->journal->count);
    return 0;
}

static int look_step(struct store *s, struct store_op *op)
{
    u32 slot = op->step - MOUNT_LOOK_A;
    int status = op->at < 2 ? read_slot(s, op, slot) : op->io.status;

    if (status)
        return status;
    s->mount_is_valid[slot] = slot_is_whole(s, slot);
    s->mount_generation[slot] = s->journal->generation;
    op->at = 0;
    return next(op, op->step + 1);
}

static u64 newest_generation(const struct store *s)
{
    u64 newest = 0;

    for (u32 slot = 0; slot < 2; slot++)
        if (s->mount_is_valid[slot])
            newest = MAX(newest, s->mount_generation[slot]);
    return newest;
}

/*
 * What is in place may be newer than all that is whole in the journal: then the newest commit's
 * slot was damaged after it had been carried out, and writing the one before it once more would
 * mix the two. A root record that was being written when the power went says nothing.
 */
static int look_root_step(struct store *s, struct store_op *op)
{
    const struct store_root *root = (const void *)s->journal;

    if (!op->has_io)
        return request(s, op, STORE_IO_READ, STORE_ROOT_BLOCK, s->journal, 1);
    if (op->io.status)
        return op->io.status;
    if (block_is_good(s, root, STORE_ROOT_BLOCK) && root->head.kind == STORE_KIND_ROOT &&
        root->generation > newest_generation(s))
        return -EINVAL;
    return next(op, MOUNT_REPLAY_FIRST);
}

/* The older one first, if it is the one before the newest. */
static int replay_step(struct store *s, struct store_op *op)
{
    bool a_is_newer = s->mount_generation[0] > s->mount_generation[1];
    u32 slot = (op->step == MOUNT_REPLAY_FIRST) == a_is_newer;
    u64 n;
    int status;

    if (!s->mount_is_valid[slot] || s->mount_generation[slot] + 1 < newest_generation(s))
        return next(op, op->step + 1);
    status = op->at < 2 ? read_slot(s, op, slot) : op->io.status;
    if (status)
        return status;
    /* It is read again: a disk that gives something else now is not to be followed. */
    n = op->at - 2;
    if (!n && !slot_is_whole(s, slot))
        return -EIO;
    if (n == s->journal->count) {
        op->at = 0;
        return next(op, op->step + 1);
    }
    op->at++;
    return request(s, op, STORE_IO_WRITE, s->journal->target[n], journal_block(s, (u32)n), 1);
}

/* The last commit must be there whole, or it is not known whether all of it is in its places. */
static int root_step(struct store *s, struct store_op *op)
{
    int status = cache_get(s, STORE_ROOT_BLOCK, STORE_KIND_ROOT, &s->root_buf);

    if (status) {
        s->root_buf = NULL;
        return status;
    }
    s->root = (void *)s->root_buf->data;
    op->at = 0;
    return s->root->generation == newest_generation(s) ? next(op, MOUNT_INDEX) : -EINVAL;
}

static int flush_all(struct store *s, struct store_op *op)
{
    if (!op->has_io)
        return request(s, op, STORE_IO_FLUSH, 0, NULL, 0);
    return op->io.status ? op->io.status : next(op, MOUNT_ROOT);
}

static int one_step(struct store *s, struct store_op *op)
{
    switch ((enum mount_step)op->step) {
    case MOUNT_SUPER:
    case MOUNT_BACKUP:
        return super_step(s, op);
    case MOUNT_LOOK_A:
    case MOUNT_LOOK_B:
        return look_step(s, op);
    case MOUNT_LOOK_ROOT:
        return look_root_step(s, op);
    case MOUNT_REPLAY_FIRST:
    case MOUNT_REPLAY_SECOND:
        return replay_step(s, op);
    case MOUNT_FLUSH:
        return flush_all(s, op);
    case MOUNT_ROOT:
        return root_step(s, op);
    case MOUNT_INDEX:
        break;
    }
    return index_load(s, op);
}

int mount_step(struct store *s, struct store_op *op)
{
    int status;

    while (op->step < MOUNT_INDEX) {
        status = one_step(s, op);
        if (status)
            return status;
    }
    status = one_step(s, op);
    if (status)
        return status;
    s->state = STORE_MOUNTED;
    reap_start(s);
    return 0;
}
