/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/qcow2.c core/vmm/qcow2_file.c core/vmm/qcow2_format.c core/vmm/inflate.c
 * build/deps/zlib/adler32.c build/deps/zlib/inffast.c build/deps/zlib/inflate.c
 * build/deps/zlib/inftrees.c build/deps/zlib/zutil.c build/deps/zlib/deflate.c
 * build/deps/zlib/trees.c tests/fakes/heap.c
 */
/* What is wrong with a qcow2 file is said, and what only looks wrong is taken. */
#include "tests/unit/qcow2_rig.h"

static void bad_head(u32 at, u32 value, const char *words)
{
    struct maker m;

    make(&m, 16, 10ull << 16, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    put32(m.file + at, value);
    check_refused(&m, words);
    unmake(&m);
}

TEST(headers_refused)
{
    bad_head(0, 0x4b444d56, "not a qcow2 file");
    bad_head(4, 1, "neither version 2 nor version 3");
    bad_head(4, 4, "neither version 2 nor version 3");
    bad_head(12, 600, "has a backing file");
    bad_head(20, 8, "512 bytes to 2 MiB");
    bad_head(20, 22, "512 bytes to 2 MiB");
    bad_head(20, 0xffffffff, "512 bytes to 2 MiB");
    bad_head(24, 0x7fffffff, "more than 256 TiB");
    bad_head(28, 0, "no bytes");
    bad_head(32, 1, "is encrypted");
    bad_head(32, 2, "is encrypted");
    bad_head(36, 0, "too small for its disk");
    bad_head(40, 0x80000000, "not where one can be");
    bad_head(44, 0, "not where one can be");
    bad_head(44, 65536 + 512, "not where one can be");
    bad_head(76, 2, "marked as corrupt");
    bad_head(76, 4, "data in another file");
    bad_head(76, 8, "not compressed by deflate");
    bad_head(76, 32, "unknown here");
    bad_head(72, 1, "unknown here");
    bad_head(100, 72, "too short");
}

/* Counts of references that may be wrong, snapshots, bitmaps, and a type of compression that is
 * said and known. */
TEST(headers_taken)
{
    struct maker m;

    make(&m, 16, 10ull << 16, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    put32(m.file + 76, 1 | 8);
    put32(m.file + 60, 3);
    put32(m.file + 92, 1);
    put32(m.file + 100, 112);
    fill_disk(&m);
    check_same(&m, 16384);
    m.file[104] = 1;
    check_refused(&m, "not compressed by deflate");
    unmake(&m);
}

TEST(tables_refused)
{
    struct maker m;
    u64 data, l2;

    make(&m, 12, 2000ull << 12, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    fill_disk(&m);
    l2 = get64(m.file + m.l1);
    data = get64(entry_of(&m, 0));

    put64(entry_of(&m, 1), data);
    check_refused(&m, "two parts of its disk");
    put64(entry_of(&m, 1), l2);
    check_refused(&m, "two parts of its disk");
    put64(entry_of(&m, 1), m.l1);
    check_refused(&m, "two parts of its disk");
    put64(entry_of(&m, 1), data + 512);
    check_refused(&m, "does not begin where");
    put64(entry_of(&m, 1), 1ull << 40);
    check_refused(&m, "ends before all");
    put64(entry_of(&m, 1), 1ull << 62 | 0);
    check_refused(&m, "compressed cluster");
    put64(entry_of(&m, 1), 1ull << 62 | m.len);
    check_refused(&m, "ends before all");
    put64(entry_of(&m, 1), 1ull << 62 | (1ull << 57));
    check_refused(&m, "ends before all");
    put64(entry_of(&m, 1), 0);

    put64(m.file + m.l1 + 8, l2);
    check_refused(&m, "two parts of its disk");
    put64(m.file + m.l1 + 8, m.l1);
    check_refused(&m, "two parts of its disk");
    put64(m.file + m.l1 + 8, l2 + 512);
    check_refused(&m, "L2 table does not begin");
    put64(m.file + m.l1 + 8, m.len);
    check_refused(&m, "ends before all");
    unmake(&m);
}

/* The same packed bytes for every cluster: no more may come out than the file is good for. */
TEST(packed_bombs)
{
    struct maker m;
    u64 entry;

    make(&m, 12, 3000ull << 12, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    put_packed(&m, 0);
    entry = get64(entry_of(&m, 0));
    for (u64 i = 1; i < 3000; i++)
        put64(entry_of(&m, i), entry);
    check_refused(&m, "cannot be unpacked");
    unmake(&m);
}

TEST(cut_off_anywhere)
{
    struct maker m;
    u64 whole;

    make(&m, 12, 300ull << 12, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    for (u64 i = 0; i < 300; i++)
        put_data(&m, i);
    whole = m.len;
    for (m.len = 0; m.len < whole; m.len += 140961)
        check_refused(&m, "ends");
    m.len = whole - 1;
    check_refused(&m, "ends");
    unmake(&m);
}

TEST(errors_of_the_place)
{
    struct maker m;
    u32 pieces;

    make(&m, 16, 30ull << 16, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    fill_disk(&m);
    sink.error = -ENOSPC;
    CHECK_EQ(convert(m.file, m.len, 16384, &pieces), -ENOSPC);
    sink.error = 0;
    unmake(&m);
    free(sink.disk);
    free(sink.kept);
    sink = (struct sink){0};
}
