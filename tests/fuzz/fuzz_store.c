/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/store/store.c core/store/store_init.c core/store/cache.c core/store/commit.c
 * core/store/alloc.c core/store/tree.c core/store/objects.c core/store/manage.c core/store/blob.c
 * core/store/data.c core/store/compare.c core/store/mount.c core/lib/crc32c.c core/lib/str.c
 * tests/fakes/assert.c */
/*
 * A datastore whose metadata is changed as the input says, with checksums made right again: it is
 * mounted and worked with. Every operation ends, and nothing leads outside of memory or of the
 * disk. An entry of the input is 8 bytes: which block (one that is in use), where in it, a new
 * value.
 */
#include "tests/unit/store_rig.h"

#define DISK  (8 * MiB)
#define STEPS 200000u /* requests that one operation may need, and far more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static u8 memory[MiB];
static u8 *good[DISK / STORE_BLOCK];

/* A small pool with one of everything. */
static void make_pool(struct rig *r)
{
    struct store_volume a;

    if (rig_format(r) || rig_create(r, "a", 64 * MiB) || rig_open(r, "a", &a) ||
        rig_io(r, STORE_WRITE, &a, 33 * MiB, memory, 256 * KiB) ||
        rig_copy(r, STORE_SNAPSHOT, "s", "a") ||
        rig_io(r, STORE_WRITE, &a, 33 * MiB, memory, 4096) ||
        rig_run(
            r,
            (struct store_op){.kind = STORE_BLOB_PUT, .name = "b", .mem = memory, .bytes = 9000}) ||
        rig_flush(r))
        abort();
    rig_settle(r);
    for (u64 i = 0; i < r->blocks; i++)
        if (r->block[i]) {
            good[i] = malloc(STORE_BLOCK);
            memcpy(good[i], r->block[i], STORE_BLOCK);
        }
    rig_drop_blocks(r);
}

/* The journal says what the pool's places hold: nothing is mended from it. */
static void empty_journal(struct rig *r, const struct crc32c_tables *crc)
{
    static struct store_journal journal;
    u32 seed = crc32c(crc, 0, rig_uuid, 16);
    struct store_geometry g;

    if (!store_geometry(&g, r->blocks))
        abort();
    journal.generation = ((struct store_root *)r->block[STORE_ROOT_BLOCK])->generation;
    journal.head.kind = STORE_KIND_JOURNAL;
    journal.head.block = g.journal[journal.generation & 1];
    journal.blocks_crc = seed;
    journal.more_crc =
        crc32c(crc, seed, (u8 *)&journal + STORE_BLOCK, sizeof journal - STORE_BLOCK);
    journal.head.crc = crc32c(crc, seed, (u8 *)&journal + 4, STORE_BLOCK - 4);
    rig_write(r, journal.head.block * STORE_BLOCK, (u8 *)&journal, sizeof journal);
}

static void damage(struct rig *r, const uint8_t *entry, const struct crc32c_tables *crc)
{
    struct store_head *head = NULL;
    u32 n = entry[0];
    u64 value = (u64)entry[4] | (u64)entry[5] << 8 | (u64)entry[6] << 16;

    for (u64 i = 0; i < 4 * r->blocks && !head; i++) {
        u8 *block = r->block[i % r->blocks];

        /* Blocks of metadata say where they belong. */
        if (block && ((struct store_head *)block)->block == i % r->blocks && !n--)
            head = (struct store_head *)block;
    }
    if (!head)
        return;
    if (entry[7] & 1)
        value |= ~0ull << (entry[7] >> 2);
    memcpy((u8 *)head + 8 + ((entry[1] | entry[2] << 8) * 4u) % (STORE_BLOCK - 16), &value,
           entry[7] & 2 ? 8 : 4);
    if (entry[3] & 1)
        head->crc = crc32c(crc, head->kind == STORE_KIND_SUPER ? 0 : crc32c(crc, 0, rig_uuid, 16),
                           (u8 *)head + 4, STORE_BLOCK - 4);
}

/* Return: its status. What it is does not matter, that there is one does. */
static int end(struct rig *r, struct store_op op)
{
    u32 steps = 0;

    store_submit(r->s, &op);
    while (op.status == -EAGAIN && rig_step(r))
        if (++steps > STEPS)
            abort();
    if (op.status == -EAGAIN)
        abort();
    return op.status;
}

static void work(struct rig *r, const char *name)
{
    struct store_volume v;

    if (!end(r, (struct store_op){.kind = STORE_OPEN, .name = name, .volume = &v})) {
        static const enum store_op_kind kinds[] = {STORE_READ, STORE_WRITE, STORE_DISCARD,
                                                   STORE_WRITE};

        for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
            (void)end(r, (struct store_op){.kind = kinds[i],
                                           .volume = &v,
                                           .offset = v.bytes > 34 * MiB ? 33 * MiB : 0,
                                           .mem = memory,
                                           .bytes = MIN(v.bytes, 300 * KiB)});
        if (store_close(r->s, &v))
            abort();
    }
    (void)end(r, (struct store_op){.kind = STORE_CLONE, .name = "c", .from = name});
    (void)end(r, (struct store_op){.kind = STORE_GROW, .name = "c", .bytes = 20 * GiB});
    (void)end(r, (struct store_op){.kind = STORE_DELETE, .name = name});
    (void)end(r, (struct store_op){.kind = STORE_DELETE, .name = "c"});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig r;
    static struct crc32c_tables crc;

    if (!r.block) {
        crc32c_init(&crc);
        rig_init(&r, DISK);
        make_pool(&r);
    }
    for (u64 i = 0; i < r.blocks; i++)
        if (good[i])
            rig_write(&r, i * STORE_BLOCK, good[i], STORE_BLOCK);
    if (!size || data[0] & 1)
        empty_journal(&r, &crc);
    for (size_t at = size > 0; at + 8 <= size && at < 8 * 32; at += 8)
        damage(&r, data + at, &crc);
    r.queued = 0;
    rig_attach(&r);
    if (!end(&r, (struct store_op){.kind = STORE_MOUNT})) {
        work(&r, "a");
        work(&r, "s");
        (void)end(&r, (struct store_op){
                          .kind = STORE_BLOB_GET, .name = "b", .mem = memory, .bytes = MiB});
        (void)end(&r, (struct store_op){
                          .kind = STORE_BLOB_PUT, .name = "b", .mem = memory, .bytes = 100});
        (void)end(&r, (struct store_op){.kind = STORE_FLUSH});
        rig_settle(&r);
    }
    rig_drop_blocks(&r);
    return 0;
}
