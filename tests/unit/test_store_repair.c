/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/store/store.c core/store/store_init.c core/store/cache.c core/store/commit.c
 * core/store/alloc.c core/store/tree.c core/store/objects.c core/store/manage.c core/store/blob.c
 * core/store/data.c core/store/compare.c core/store/mount.c core/lib/crc32c.c core/lib/str.c
 * tests/fakes/assert.c tools/store/store_check.c tools/store/store_repair.c */
/*
 * Repair: whatever block of metadata is damaged, afterwards the datastore mounts, every count is
 * right, what can be read is right, and what is not there any more was told.
 */
#include "tests/unit/store_rig.h"
#include "tools/store/store_repair.h"

#define DISK    (8 * MiB)
#define ROUNDS  400u
#define AT_ONCE 6u

static u8 data[RIG_DATA], got[RIG_DATA];

static void make_pool(struct rig *r)
{
    rig_make_pool(r, data, data + STORE_BLOCK); /* the same again: both hold all of data */
    rig_keep(r);
}

static u32 kind_of(const struct rig *r, u64 block)
{
    const struct store_head *head = (const void *)r->block[block];

    return head && head->block == block ? head->kind : 0;
}

static bool write_block(void *arg, u64 block, const void *from)
{
    rig_write(arg, block * STORE_BLOCK, from, STORE_BLOCK);
    return true;
}

static u64 repair(struct rig *r)
{
    struct store_repair repair = {
        .read = rig_check_read, .write = write_block, .arg = r, .blocks = r->blocks};

    (void)rig_mount(r);
    rig_settle(r);
    CHECK_EQ(store_repair(&repair), 0);
    return repair.losses;
}

/* Return: true if all of the volume is there; else what is missing reads as zeroes. */
static bool volume_is_whole(struct rig *r, const char *name)
{
    struct store_volume volume;
    int status = rig_open(r, name, &volume);
    bool is_whole;

    CHECK(!status || status == -ENOENT);
    if (status)
        return false;
    CHECK_EQ(rig_io(r, STORE_READ, &volume, RIG_PLACE, got, RIG_DATA), 0);
    is_whole = memcmp(got, data, RIG_DATA) == 0;
    for (u32 i = 0; i < RIG_DATA && !is_whole; i += STORE_EXTENT)
        CHECK(!got[i] || memcmp(got + i, data + i, STORE_EXTENT) == 0);
    CHECK_EQ(store_close(r->s, &volume), 0);
    return is_whole;
}

static bool blob_is_whole(struct rig *r)
{
    struct store_op blob = {
        .kind = STORE_BLOB_GET, .name = "b", .mem = got, .bytes = STORE_BLOB_MAX};
    int status;

    store_submit(r->s, &blob);
    status = rig_wait(r, &blob);
    CHECK(!status || status == -ENOENT);
    CHECK(status || (blob.bytes == RIG_BLOB && memcmp(got, data, RIG_BLOB) == 0));
    return !status;
}

/* It mounts, is consistent, holds what it should, and can be worked with. */
static void check_repaired(struct rig *r, u64 losses)
{
    bool is_whole;

    CHECK_EQ(rig_mount(r), 0);
    CHECK(rig_is_consistent(r));
    is_whole = volume_is_whole(r, "a");
    is_whole = volume_is_whole(r, "s") && is_whole;
    is_whole = blob_is_whole(r) && is_whole;
    CHECK(is_whole == !losses);
    (void)rig_delete(r, "s");
    CHECK_EQ(rig_create(r, "new", 64 * MiB), 0);
    CHECK(rig_is_consistent(r));
}

static void flip(struct rig *r, u64 block, u64 *seed)
{
    u32 bit = (u32)(rig_random(seed) >> 20) % (STORE_BLOCK * 8);

    r->block[block][bit / 8] ^= (u8)(1u << (bit % 8));
}

/* What is counted, or is there twice, can be made anew; maps, records and blobs cannot. */
static bool is_replaceable(u32 kind)
{
    return kind == STORE_KIND_SUPER || kind == STORE_KIND_ROOT || kind == STORE_KIND_TABLE ||
           kind == STORE_KIND_NODE_REFS;
}

TEST(each_block_damaged)
{
    u32 blocks = 0;
    u64 seed = 7;
    struct rig r;

    rig_init(&r, DISK);
    make_pool(&r);
    for (u64 i = 0; i < r.blocks; i++) {
        u64 losses;
        u32 kind;

        rig_restore(&r, false);
        kind = kind_of(&r, i);
        if (!kind)
            continue;
        flip(&r, i, &seed);
        losses = repair(&r);
        CHECK(is_replaceable(kind) == !losses);
        check_repaired(&r, losses);
        blocks++;
    }
    CHECK(blocks > 10);
    rig_fini(&r);
}

TEST(nothing_damaged_nothing_lost)
{
    struct rig r;

    rig_init(&r, DISK);
    make_pool(&r);
    rig_restore(&r, true);
    CHECK_EQ(repair(&r), 0);
    check_repaired(&r, 0);
    rig_restore(&r, false); /* and with the journal lost */
    CHECK_EQ(repair(&r), 0);
    check_repaired(&r, 0);
    rig_fini(&r);
}

TEST(several_blocks_at_once)
{
    u64 seed = 11;
    struct rig r;

    rig_init(&r, DISK);
    make_pool(&r);
    for (u32 round = 0; round < ROUNDS; round++) {
        rig_restore(&r, round % 2);
        for (u32 n = 0; n < AT_ONCE;) {
            u64 block = 1 + (rig_random(&seed) >> 9) % (r.blocks - 1); /* one superblock stays */
            u32 kind = r.block[block] ? kind_of(&r, block) : 0;

            n += r.block[block] != NULL;
            /* A journal whose newest commit is damaged is told by the root record only. */
            if (kind && !(round % 2 && kind == STORE_KIND_ROOT))
                flip(&r, block, &seed);
        }
        check_repaired(&r, repair(&r));
    }
    rig_fini(&r);
}

TEST(no_superblock_no_repair)
{
    struct store_repair none = {.read = rig_check_read, .write = write_block};
    struct rig r;

    rig_init(&r, DISK);
    none.arg = &r;
    none.blocks = r.blocks;
    CHECK_EQ(store_repair(&none), -ENOENT);
    rig_fini(&r);
}
