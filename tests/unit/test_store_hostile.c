/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/store/store.c core/store/store_init.c core/store/cache.c core/store/commit.c
 * core/store/alloc.c core/store/tree.c core/store/objects.c core/store/manage.c core/store/blob.c
 * core/store/data.c core/store/compare.c core/store/mount.c core/lib/crc32c.c core/lib/str.c
 * tests/fakes/assert.c tools/store/store_check.c */
/* Damage: a bit of any block of metadata is wrong. What is read is right, or it is an error. */
#include "tests/unit/store_rig.h"

#define DISK (8 * MiB)

static u8 data[RIG_DATA], got[RIG_DATA];

static void make_pool(struct rig *r)
{
    rig_make_pool(r, data, data); /* not what was there: "s" alone holds all of data */
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(rig_run(r, (struct store_op){.kind = STORE_BLOB_PUT, .name = "c", .mem = data}),
                 0);
    rig_keep(r);
}

/* What is in the journal says where else it belongs. */
static bool is_metadata(const struct rig *r, u64 block)
{
    struct store_geometry g;

    CHECK(store_geometry(&g, r->blocks));
    if (r->block[block] && block >= g.journal[0] && block < g.table)
        return true;
    return r->block[block] && ((struct store_head *)r->block[block])->block == block &&
           ((struct store_head *)r->block[block])->kind;
}

/* Return: errors met. What was read without one is right. */
static u32 read_all(struct rig *r)
{
    struct store_op blob = {
        .kind = STORE_BLOB_GET, .name = "b", .mem = got, .bytes = STORE_BLOB_MAX};
    struct store_volume s;
    u32 errors = 0;
    int status = rig_open(r, "s", &s);

    if (!status) {
        status = rig_io(r, STORE_READ, &s, RIG_PLACE, got, RIG_DATA);
        CHECK(status || !memcmp(got, data, RIG_DATA));
        CHECK_EQ(store_close(r->s, &s), 0);
    }
    CHECK(!status || status == -EIO);
    errors += status != 0;
    store_submit(r->s, &blob);
    status = rig_wait(r, &blob);
    CHECK(!status || status == -EIO);
    CHECK(status || (blob.bytes == RIG_BLOB && !memcmp(got, data, RIG_BLOB)));
    return errors + (status != 0);
}

/* Changes go on or fail, but they end. */
static void change_all(struct rig *r)
{
    struct store_volume a;
    int status = rig_open(r, "a", &a);

    if (!status) {
        status = rig_io(r, STORE_WRITE, &a, RIG_PLACE + 8192, data, 300 * KiB);
        CHECK(!status || status == -EIO);
        status = rig_io(r, STORE_DISCARD, &a, RIG_PLACE, NULL, RIG_DATA);
        CHECK(!status || status == -EIO);
        CHECK_EQ(store_close(r->s, &a), 0);
    }
    status = rig_delete(r, "s");
    CHECK(!status || status == -EIO);
    status = rig_copy(r, STORE_CLONE, "d", "a");
    CHECK(!status || status == -EIO);
    rig_settle(r);
}

TEST(every_block_with_a_wrong_bit)
{
    u32 blocks = 0, errors = 0, refused = 0;
    u64 seed = 99;
    struct rig r;

    rig_init(&r, DISK);
    make_pool(&r);
    for (u64 i = 0; i < r.blocks; i++) {
        u32 bit;
        int status;

        rig_restore(&r, true);
        if (!is_metadata(&r, i))
            continue;
        bit = (u32)(rig_random(&seed) >> 20) % (STORE_BLOCK * 8);
        r.block[i][bit / 8] ^= (u8)(1u << (bit % 8));
        blocks++;
        status = rig_mount(&r);
        CHECK(!status || status == -EINVAL || status == -EIO);
        refused += status != 0;
        if (status)
            continue;
        errors += read_all(&r);
        change_all(&r);
    }
    CHECK(blocks > 10);
    /* The last commit's slot is needed; what it would mend is not missed. */
    CHECK(refused >= 1);
    CHECK(errors >= 3);
    printf("%u blocks: %u times refused, %u errors\n", blocks, refused, errors);
    rig_fini(&r);
}
