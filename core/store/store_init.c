/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a store, and an empty one on the disk. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/store/store_impl.h"

/* Of the pool's extents; what a full one needs so that volumes can still be deleted or written. */
#define RESERVE_PART 1024u
#define RESERVE_MIN  4u
#define RESERVE_MAX  1024u

#define PART(bytes) ALIGN_UP((u64)(bytes), PAGE_SIZE)

u64 store_memory_bytes(u64 disk_bytes)
{
    struct store_geometry g;

    if (!store_geometry(&g, disk_bytes / STORE_BLOCK))
        return 0;
    return PART(sizeof(struct store)) + PART(STORE_BUFS * sizeof(struct store_buf)) +
           (u64)STORE_BUFS * STORE_BLOCK + (u64)STORE_JOURNAL_BLOCKS * STORE_BLOCK +
           (STORE_FILLS + 1) * (u64)STORE_EXTENT +
           PART(STORE_OBJECTS_MAX * sizeof(struct store_index)) + PART(g.table_blocks);
}

static void *carve(u8 **at, u64 bytes)
{
    void *part = *at;

    *at += PART(bytes);
    return part;
}

struct store *store_init(void *memory, struct store_disk *disk)
{
    u8 *at = memory, *blocks;
    struct store *s = carve(&at, sizeof *s);

    memset(s, 0, sizeof *s);
    if (!store_geometry(&s->g, disk->bytes / STORE_BLOCK))
        return NULL;
    s->disk = disk;
    s->bufs = carve(&at, STORE_BUFS * sizeof *s->bufs);
    memset(s->bufs, 0, STORE_BUFS * sizeof *s->bufs);
    blocks = carve(&at, (u64)STORE_BUFS * STORE_BLOCK);
    s->journal = carve(&at, (u64)STORE_JOURNAL_BLOCKS * STORE_BLOCK);
    s->index = carve(&at, STORE_OBJECTS_MAX * sizeof *s->index);
    memset(s->index, 0, STORE_OBJECTS_MAX * sizeof *s->index);
    s->table_hints = carve(&at, s->g.table_blocks);
    memset(s->table_hints, TABLE_MAY_HAVE_EXTENTS | TABLE_MAY_HAVE_NODES, s->g.table_blocks);
    s->zeroes = carve(&at, STORE_EXTENT);
    memset(s->zeroes, 0, STORE_EXTENT);
    for (u32 i = 0; i < STORE_FILLS; i++)
        s->fills[i].buf = carve(&at, STORE_EXTENT);
    for (u32 i = 0; i < STORE_BUFS; i++) {
        s->bufs[i].data = blocks + (u64)i * STORE_BLOCK;
        s->bufs[i].s = s;
    }
    list_init(&s->ops);
    list_init(&s->volumes);
    crc32c_init(&s->crc);
    s->next_extent = s->g.first_extent;
    s->reserve =
        MIN(MAX((s->g.end_extent - s->g.first_extent) / RESERVE_PART, RESERVE_MIN), RESERVE_MAX);
    return s;
}

static void *new_block(struct store *s, u64 at, u32 kind)
{
    struct store_head *head = (void *)((u8 *)s->journal);

    memset(s->journal, 0, STORE_BLOCK);
    head->kind = kind;
    head->block = at;
    return head;
}

static void write_block(struct store *s, struct store_op *op, void *block)
{
    const struct store_head *head = block;

    block_seal(s, block);
    op->io = (struct store_io){.kind = STORE_IO_WRITE,
                               .offset = head->block * STORE_BLOCK,
                               .bytes = STORE_BLOCK,
                               .buf = block};
    op_submit_io(s, op);
}

static void write_table(struct store *s, struct store_op *op, u64 n)
{
    struct store_table *table = new_block(s, s->g.table + n, STORE_KIND_TABLE);

    for (u64 i = 0; i < STORE_TABLE_REFS; i++)
        if (!extent_is_good(s, n * STORE_TABLE_REFS + i))
            table->ref[i] = STORE_REF_SYSTEM;
    write_block(s, op, table);
}

static void write_root(struct store *s, struct store_op *op)
{
    struct store_root *root = new_block(s, STORE_ROOT_BLOCK, STORE_KIND_ROOT);

    root->free_extents = s->g.end_extent - s->g.first_extent;
    root->next_id = 1;
    write_block(s, op, root);
}

static void write_super(struct store *s, struct store_op *op, u64 block)
{
    struct store_super *super = new_block(s, block, STORE_KIND_SUPER);

    super->magic = STORE_MAGIC;
    super->version = STORE_VERSION;
    super->blocks = s->g.blocks;
    memcpy(super->uuid, op->uuid, sizeof super->uuid);
    write_block(s, op, super);
}

static void flush(struct store *s, struct store_op *op)
{
    op->io = (struct store_io){.kind = STORE_IO_FLUSH};
    op_submit_io(s, op);
}

static void wipe(struct store *s, struct store_op *op, u64 block)
{
    op->io = (struct store_io){.kind = STORE_IO_WRITE,
                               .offset = block * STORE_BLOCK,
                               .bytes = STORE_BLOCK,
                               .buf = s->zeroes};
    op_submit_io(s, op);
}

/*
 * A request a step: superblocks of before are wiped first, the new ones written last, so what is
 * half done is no datastore.
 */
int format_step(struct store *s, struct store_op *op)
{
    u64 backup = s->g.end_extent * STORE_EXTENT_BLOCKS;
    u64 n = op->at++;

    if (op->has_io && op->io.status)
        return op->io.status;
    if (n < 2)
        wipe(s, op, n ? backup : 0);
    else if (n == 2 || n == s->g.table_blocks + 6 || n == s->g.table_blocks + 8)
        flush(s, op);
    else if (n < 5)
        wipe(s, op, s->g.journal[n - 3]);
    else if (n < s->g.table_blocks + 5) {
        s->seed = crc32c(&s->crc, 0, op->uuid, 16);
        write_table(s, op, n - 5);
    } else if (n == s->g.table_blocks + 5)
        write_root(s, op);
    else if (n == s->g.table_blocks + 7)
        write_super(s, op, backup);
    else if (n == s->g.table_blocks + 9)
        write_super(s, op, 0);
    else if (n == s->g.table_blocks + 10)
        flush(s, op);
    else
        return 0;
    return -EAGAIN;
}
