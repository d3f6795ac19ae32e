/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/store/store.c core/store/store_init.c core/store/cache.c core/store/commit.c
 * core/store/alloc.c core/store/tree.c core/store/objects.c core/store/manage.c core/store/blob.c
 * core/store/data.c core/store/compare.c core/store/mount.c core/lib/crc32c.c core/lib/str.c
 * tests/fakes/assert.c tools/store/store_check.c */
/* The datastore's operations, on a disk without faults. */
#include "tests/unit/store_rig.h"

static u8 data[4 * MiB], got[4 * MiB];

static void fill(u8 *out, u64 bytes, u64 stamp)
{
    for (u64 i = 0; i < bytes; i += 8) {
        u64 word = stamp * 1000003 + i;

        memcpy(out + i, &word, 8);
    }
}

static bool is_all(const u8 *at, u64 bytes, u8 value)
{
    for (u64 i = 0; i < bytes; i++)
        if (at[i] != value)
            return false;
    return true;
}

TEST(crc32c_known_values)
{
    struct crc32c_tables tables;
    u8 zeroes[32] = {0};

    crc32c_init(&tables);
    CHECK_EQ(crc32c(&tables, 0, "123456789", 9), 0xe3069283);
    CHECK_EQ(crc32c(&tables, 0, zeroes, 32), 0x8a9136aa); /* RFC 3720 B.4 */
    CHECK_EQ(crc32c(&tables, crc32c(&tables, 0, "1234", 4), "56789", 5), 0xe3069283);
}

TEST(format_mount_and_an_empty_disk)
{
    struct rig r;

    rig_init(&r, 16 * MiB);
    CHECK_EQ(rig_mount(&r), -ENOENT);
    rig_attach(&r);
    CHECK_EQ(rig_create(&r, "a", MiB), -EBUSY);
    CHECK_EQ(rig_format(&r), 0);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_mount(&r), 0);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_MOUNT}), -EBUSY);
    CHECK_EQ(store_memory_bytes(MiB), 0);
    rig_fini(&r);
}

TEST(volumes_hold_data_and_zeroes)
{
    struct store_volume a;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", 3 * GiB), 0);
    CHECK_EQ(rig_create(&r, "a", GiB), -EEXIST);
    CHECK_EQ(rig_create(&r, "", GiB), -EINVAL);
    CHECK_EQ(rig_create(&r, "b", 100), -EINVAL);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, GiB - 512 * 3, data, MiB), 0);
    memset(got, 1, sizeof got);
    CHECK_EQ(rig_io(&r, STORE_READ, &a, GiB - MiB, got, 3 * MiB), 0);
    CHECK(is_all(got, MiB - 512 * 3, 0));
    CHECK(!memcmp(got + MiB - 512 * 3, data, MiB));
    CHECK(is_all(got + 2 * MiB - 512 * 3, MiB + 512 * 3, 0));
    CHECK_EQ(rig_io(&r, STORE_READ, &a, 3 * GiB, got, 512), -EINVAL);
    CHECK_EQ(rig_io(&r, STORE_READ, &a, 5, got, 512), -EINVAL);
    CHECK(store_has_changes(r.s));
    CHECK_EQ(rig_flush(&r), 0);
    CHECK(!store_has_changes(r.s));
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, GiB - 512 * 3, data, MiB), 0);
    CHECK(!store_has_changes(r.s)); /* it was written in place */
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_mount(&r), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    CHECK_EQ(rig_io(&r, STORE_READ, &a, GiB - 512 * 3, got, MiB), 0);
    CHECK(!memcmp(got, data, MiB));
    CHECK_EQ(store_close(r.s, &a), 0);
    rig_fini(&r);
}

TEST(writes_at_once_in_any_order)
{
    struct store_op ops[64];
    struct store_volume a;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", 64 * MiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    r.seed = 12345;
    fill(data, 64 * 20480, 7);
    for (u32 i = 0; i < 64; i++) {
        ops[i] = (struct store_op){.kind = STORE_WRITE,
                                   .volume = &a,
                                   .offset = (63 - i) * 20480,
                                   .bytes = 20480,
                                   .mem = data + (63 - i) * 20480};
        store_submit(r.s, &ops[i]);
    }
    CHECK_EQ(store_close(r.s, &a), -EBUSY);
    for (u32 i = 0; i < 64; i++)
        CHECK_EQ(rig_wait(&r, &ops[i]), 0);
    CHECK_EQ(rig_io(&r, STORE_READ, &a, 0, got, 64 * 20480), 0);
    CHECK(!memcmp(got, data, 64 * 20480));
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).data_bytes, 20 * STORE_EXTENT);
    rig_fini(&r);
}

TEST(snapshots_and_clones_are_apart)
{
    struct store_volume a, s, c;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", 100 * MiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, 2 * MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 40 * MiB, data, MiB), 0);
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "s", "a"), 0);
    CHECK_EQ(rig_copy(&r, STORE_CLONE, "c", "s"), 0);
    CHECK_EQ(rig_copy(&r, STORE_CLONE, "c", "s"), -EEXIST);
    CHECK_EQ(rig_copy(&r, STORE_CLONE, "d", "x"), -ENOENT);
    CHECK_EQ(rig_open(&r, "s", &s), 0);
    CHECK_EQ(rig_open(&r, "c", &c), 0);
    CHECK_EQ(rig_open(&r, "c", &c), -EBUSY);
    CHECK_EQ(rig_delete(&r, "c"), -EBUSY);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &s, 0, data, 512), -EPERM);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 40 * MiB + 512, data + MiB, 4096), 0);
    CHECK_EQ(rig_io(&r, STORE_DISCARD, &c, 40 * MiB, NULL, 128 * KiB + 100 * 512), 0);
    CHECK_EQ(rig_io(&r, STORE_ZERO, &c, 41 * MiB - 1024, NULL, 2048), 0);

    CHECK_EQ(rig_io(&r, STORE_READ, &s, 40 * MiB, got, MiB), 0);
    CHECK(!memcmp(got, data, MiB));
    CHECK_EQ(rig_io(&r, STORE_READ, &a, 40 * MiB, got, MiB), 0);
    CHECK(!memcmp(got, data, 512) && !memcmp(got + 512, data + MiB, 4096));
    CHECK(!memcmp(got + 4608, data + 4608, MiB - 4608));
    CHECK_EQ(rig_io(&r, STORE_READ, &c, 40 * MiB, got, MiB), 0);
    CHECK(is_all(got, 128 * KiB, 0));
    CHECK(!memcmp(got + 128 * KiB, data + 128 * KiB, MiB - 128 * KiB - 1024));
    CHECK(is_all(got + MiB - 1024, 1024, 0));
    CHECK(rig_is_consistent(&r));
    /* 16 extents are shared by all; one copy is a's, one is c's. */
    CHECK_EQ(rig_usage(&r).data_bytes, 18 * STORE_EXTENT);

    CHECK_EQ(store_close(r.s, &a), 0);
    CHECK_EQ(store_close(r.s, &s), 0);
    CHECK_EQ(rig_delete(&r, "s"), 0);
    CHECK_EQ(rig_delete(&r, "a"), 0);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).data_bytes, 14 * STORE_EXTENT);
    rig_fini(&r);
}

/* Compares all of a volume with another one. Return: the bytes that differ. */
static u64 compare(struct rig *r, u32 number, u32 other, u64 bytes, u32 *runs)
{
    u64 different = 0;
    bool was_different = false;

    *runs = 0;
    for (u64 at = 0; at < bytes;) {
        struct store_op op = {.kind = STORE_COMPARE,
                              .number = number,
                              .other = other,
                              .offset = at,
                              .bytes = bytes - at};

        store_submit(r->s, &op);
        CHECK_EQ(rig_wait(r, &op), 0);
        if (!CHECK(op.bytes > 0 && op.bytes <= bytes - at))
            return 0;
        *runs += op.is_different && !was_different;
        was_different = op.is_different;
        different += op.is_different ? op.bytes : 0;
        at += op.bytes;
    }
    return different;
}

TEST(changes_since_a_snapshot)
{
    const u64 size = 200 * GiB;
    struct store_volume a, s, t;
    struct rig r;
    u32 runs;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", size), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    CHECK_EQ(compare(&r, a.number, STORE_OBJECTS_MAX, size, &runs), 0);
    fill(data, 2 * MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 40 * GiB, data, 2 * MiB), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, size - 512, data, 512), 0);
    CHECK_EQ(compare(&r, a.number, STORE_OBJECTS_MAX, size, &runs), 2 * MiB + STORE_EXTENT);
    CHECK_EQ(runs, 2);
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "s", "a"), 0);
    CHECK_EQ(rig_open(&r, "s", &s), 0);
    CHECK_EQ(compare(&r, a.number, s.number, size, &runs), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 40 * GiB + 512, data, 512), 0);
    CHECK_EQ(rig_io(&r, STORE_DISCARD, &a, 40 * GiB + 2 * STORE_EXTENT, NULL, STORE_EXTENT), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 100 * GiB, data, MiB), 0);
    CHECK_EQ(compare(&r, a.number, s.number, size, &runs), 2 * STORE_EXTENT + MiB);
    CHECK_EQ(runs, 3);
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "t", "a"), 0);
    CHECK_EQ(rig_open(&r, "t", &t), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 0, data, 512), 0);
    CHECK_EQ(compare(&r, t.number, s.number, size, &runs), 2 * STORE_EXTENT + MiB);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_GROW, .name = "a", .bytes = 4 * size}), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 3 * size, data, 512), 0);
    CHECK_EQ(compare(&r, a.number, t.number, 4 * size, &runs), 2 * STORE_EXTENT);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_COMPARE, .number = 999, .bytes = 512}),
             -ENOENT);
    rig_fini(&r);
}

TEST(a_snapshot_holds_back_writes)
{
    struct store_op write = {.kind = STORE_WRITE}, late, snap;
    struct store_volume a, s;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", MiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 0, data, MiB), 0);
    CHECK_EQ(rig_flush(&r), 0);
    rig_settle(&r);
    fill(data, 8192, 2);
    write = (struct store_op){.kind = STORE_WRITE, .volume = &a, .bytes = 4096, .mem = data};
    late = write;
    late.offset = 4096;
    late.mem = data + 4096;
    snap = (struct store_op){.kind = STORE_SNAPSHOT, .name = "s", .from = "a"};
    store_submit(r.s, &write);
    store_submit(r.s, &snap);
    store_submit(r.s, &late);
    CHECK_EQ(r.queued, 1); /* the late one waits, and so does the snapshot */
    CHECK_EQ(rig_wait(&r, &late), 0);
    CHECK_EQ(rig_wait(&r, &snap), 0);
    CHECK_EQ(rig_open(&r, "s", &s), 0);
    CHECK_EQ(rig_io(&r, STORE_READ, &s, 0, got, 8192), 0);
    CHECK(!memcmp(got, data, 4096));
    CHECK(memcmp(got + 4096, data + 4096, 4096));
    CHECK(rig_is_consistent(&r));
    rig_fini(&r);
}

TEST(grow_keeps_data_and_adds_levels)
{
    struct store_volume a;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", MiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 0, data, MiB), 0);
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "s", "a"), 0);
    for (u64 size = 8 * MiB; size <= 64 * 1024 * GiB; size *= 8) {
        CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_GROW, .name = "a", .bytes = size}), 0);
        CHECK_EQ(a.bytes, size);
        CHECK_EQ(rig_io(&r, STORE_WRITE, &a, size - 4096, data, 4096), 0);
    }
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_GROW, .name = "a", .bytes = MiB}),
             -EINVAL);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_GROW, .name = "s", .bytes = GiB}), -EPERM);
    CHECK_EQ(rig_io(&r, STORE_READ, &a, 0, got, MiB), 0);
    CHECK(!memcmp(got, data, MiB));
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_io(&r, STORE_DISCARD, &a, 0, NULL, a.bytes), 0);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).data_bytes, 16 * STORE_EXTENT); /* the snapshot's */
    rig_fini(&r);
}

TEST(blobs_are_replaced_whole)
{
    static const u64 sizes[] = {0, 1, 4080, 4081, 50000, STORE_BLOB_MAX, 10};
    struct store_op get;
    struct rig r;

    rig_init(&r, 32 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "vm", MiB), 0); /* names of their own */
    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        fill(data, 64 * KiB, i);
        CHECK_EQ(rig_run(&r,
                         (struct store_op){
                             .kind = STORE_BLOB_PUT, .name = "vm", .mem = data, .bytes = sizes[i]}),
                 0);
        get =
            (struct store_op){.kind = STORE_BLOB_GET, .name = "vm", .mem = got, .bytes = 64 * KiB};
        store_submit(r.s, &get);
        CHECK_EQ(rig_wait(&r, &get), 0);
        CHECK_EQ(get.bytes, sizes[i]);
        CHECK(!memcmp(got, data, sizes[i]));
        CHECK(rig_is_consistent(&r));
        CHECK_EQ(rig_mount(&r), 0);
    }
    get.bytes = 9;
    store_submit(r.s, &get);
    CHECK_EQ(rig_wait(&r, &get), -E2BIG);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_BLOB_PUT,
                                           .name = "x",
                                           .mem = data,
                                           .bytes = STORE_BLOB_MAX + 1}),
             -EINVAL);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_BLOB_DELETE, .name = "vm"}), 0);
    CHECK_EQ(rig_run(&r, (struct store_op){.kind = STORE_BLOB_DELETE, .name = "vm"}), -ENOENT);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).objects, 1);
    rig_fini(&r);
}

TEST(a_full_pool_can_be_emptied)
{
    struct store_volume a;
    struct store_usage usage;
    u64 written = 0;
    struct rig r;

    rig_init(&r, 16 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", GiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, STORE_EXTENT, 1);
    while (!rig_io(&r, STORE_WRITE, &a, written * STORE_EXTENT, data, STORE_EXTENT))
        written++;
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, written * STORE_EXTENT, data, STORE_EXTENT), -ENOSPC);
    usage = rig_usage(&r);
    CHECK_EQ(usage.free_bytes, usage.reserved_bytes);
    CHECK_EQ(usage.data_bytes, written * STORE_EXTENT);
    CHECK(rig_is_consistent(&r));
    /* What is the volume's alone can be written, a copy cannot be made. */
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 0, data, STORE_EXTENT), 0);
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "s", "a"), 0);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 0, data, STORE_EXTENT), -ENOSPC);
    CHECK_EQ(rig_io(&r, STORE_DISCARD, &a, 0, NULL, GiB), 0);
    CHECK_EQ(rig_delete(&r, "s"), 0);
    /* Space that is given back is found without being told to wait. */
    for (u64 i = 0; i < written; i++)
        CHECK_EQ(rig_io(&r, STORE_WRITE, &a, i * STORE_EXTENT, data, STORE_EXTENT), 0);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(store_close(r.s, &a), 0);
    CHECK_EQ(rig_delete(&r, "a"), 0);
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).data_bytes, 0);
    CHECK(rig_usage(&r).node_bytes <= 2 * STORE_EXTENT);
    rig_fini(&r);
}

/* Flushes that ended before the last data was written; the trace begins with the discard. */
static u32 flushes_before_data(const struct rig *r)
{
    u32 flushes = 0, result = 0;

    for (u32 i = 0; i < r->event_count; i++) {
        const struct rig_event *event = &r->events[i];

        flushes += event->type == RIG_DONE && event->kind == STORE_IO_FLUSH;
        if (event->type == RIG_SUBMITTED && event->bytes == STORE_EXTENT &&
            event->kind == STORE_IO_WRITE)
            result = flushes;
    }
    return result;
}

TEST(what_is_freed_is_not_used_before_that_is_durable)
{
    struct store_volume a;
    u64 written = 0;
    struct rig r;

    rig_init(&r, 16 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", GiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, STORE_EXTENT, 1);
    while (!rig_io(&r, STORE_WRITE, &a, written * STORE_EXTENT, data, STORE_EXTENT))
        written++;
    CHECK(rig_is_consistent(&r));
    /* Only the extents kept for metadata are free, and those that are given back. */
    r.is_recording = true;
    for (u32 i = 0; i < 40; i++) {
        CHECK_EQ(rig_io(&r, STORE_DISCARD, &a, 5 * STORE_EXTENT, NULL, STORE_EXTENT), 0);
        CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 5 * STORE_EXTENT, data, STORE_EXTENT), 0);
    }
    /* 4 were free from the start: after each round of them a commit was needed. */
    CHECK(flushes_before_data(&r) >= 36 / 4);
    CHECK(rig_is_consistent(&r));
    rig_fini(&r);
}

static u64 copy_cost(u64 bytes_written, u64 size)
{
    struct store_volume a;
    struct rig r;
    u64 before;

    rig_init(&r, 256 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", size), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    for (u64 at = 0; at < bytes_written; at += MiB)
        CHECK_EQ(rig_io(&r, STORE_WRITE, &a, at, data, MiB), 0);
    CHECK(rig_is_consistent(&r));
    before = r.blocks_written;
    CHECK_EQ(rig_copy(&r, STORE_SNAPSHOT, "s", "a"), 0);
    CHECK_EQ(rig_copy(&r, STORE_CLONE, "c", "s"), 0);
    rig_settle(&r);
    before = r.blocks_written - before;
    rig_fini(&r);
    return before;
}

TEST(the_cost_of_copies_does_not_depend_on_size)
{
    u64 small = copy_cost(MiB, MiB), large = copy_cost(200 * MiB, 200 * MiB);

    CHECK_EQ(small, large);
    CHECK_EQ(small, copy_cost(MiB, 64 * 1024 * GiB));
    printf("snapshot + clone: %llu blocks\n", (unsigned long long)large);
}

TEST(ten_thousand_snapshots_and_clones)
{
    struct store_volume a, c;
    struct rig r;
    char name[64];

    rig_init(&r, 256 * MiB);
    CHECK_EQ(rig_format(&r), 0);
    CHECK_EQ(rig_create(&r, "a", 64 * MiB), 0);
    CHECK_EQ(rig_open(&r, "a", &a), 0);
    fill(data, MiB, 1);
    CHECK_EQ(rig_io(&r, STORE_WRITE, &a, 33 * MiB, data, MiB), 0);
    for (u32 i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "copy %u", i);
        if (!CHECK_EQ(rig_copy(&r, i % 2 ? STORE_CLONE : STORE_SNAPSHOT, name, "a"), 0))
            break;
        if (i % 1000 == 999) {
            CHECK_EQ(rig_open(&r, name, &c), 0);
            CHECK_EQ(rig_io(&r, STORE_WRITE, &c, 33 * MiB + 4096, data, 4096), 0);
            CHECK_EQ(store_close(r.s, &c), 0);
        }
    }
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).objects, 10001);
    CHECK_EQ(rig_usage(&r).data_bytes, (16 + 10) * STORE_EXTENT);
    CHECK_EQ(rig_mount(&r), 0);
    CHECK_EQ(rig_open(&r, "copy 4711", &c), 0);
    CHECK_EQ(rig_io(&r, STORE_READ, &c, 33 * MiB, got, MiB), 0);
    CHECK(!memcmp(got, data, MiB));
    CHECK_EQ(store_close(r.s, &c), 0);
    for (u32 i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "copy %u", i);
        CHECK_EQ(rig_delete(&r, name), 0);
    }
    CHECK(rig_is_consistent(&r));
    CHECK_EQ(rig_usage(&r).objects, 1);
    CHECK_EQ(rig_usage(&r).data_bytes, 16 * STORE_EXTENT);
    rig_fini(&r);
}
