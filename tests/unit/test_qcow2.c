/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/qcow2.c core/vmm/qcow2_file.c core/vmm/qcow2_format.c core/vmm/inflate.c
 * build/deps/zlib/adler32.c build/deps/zlib/inffast.c build/deps/zlib/inflate.c
 * build/deps/zlib/inftrees.c build/deps/zlib/zutil.c build/deps/zlib/deflate.c
 * build/deps/zlib/trees.c tests/fakes/heap.c
 */
/* Files of every kind of cluster, in any order of their parts, give the bytes of their disk. */
#include "tests/unit/qcow2_rig.h"

TEST(in_order)
{
    static const u32 bits[] = {9, 12, 14, 16, 21};
    static const size_t pieces[] = {1460, 16384, 3u << 20};

    for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
        for (u32 v3 = 0; v3 < 2; v3++) {
            struct maker m;
            u64 clusters = bits[i] < 16 ? 600 : bits[i] == 16 ? 90 : 4;

            make(&m, bits[i], (clusters << bits[i]) - 300, v3);
            set_l1(&m, add(&m, l1_count(&m) * 8));
            fill_disk(&m);
            for (u32 j = bits[i] == 21; j < ARRAY_SIZE(pieces); j++)
                check_same(&m, pieces[j]);
            CHECK_EQ(sink.fetched, 0);
            unmake(&m);
        }
    }
}

TEST(one_byte_at_a_time)
{
    struct maker m;

    make(&m, 9, 100 * 512, true);
    set_l1(&m, add(&m, l1_count(&m) * 8));
    fill_disk(&m);
    check_same(&m, 1);
    unmake(&m);
}

/* Data downwards, behind their tables; then all that there is before the tables; then tables last.
 */
TEST(any_order)
{
    for (u32 bits = 9; bits <= 16; bits += 7) {
        for (u32 order = 0; order < 3; order++) {
            u64 disk = (bits == 9 ? 9000ull : 150) << bits, tables = 0;
            struct maker m;
            u32 pieces;

            make(&m, bits, disk, true);
            if (order == 0)
                set_l1(&m, add(&m, l1_count(&m) * 8));
            else
                set_l1(&m, FILE_MAX - (2u << 20)); /* moved later */
            for (u64 i = disk >> bits; order < 2 && i-- > 0;)
                (i % 5 == 3 ? put_packed : put_data)(&m, i);
            if (order == 2)
                fill_disk(&m);
            if (order > 0) {
                tables = add(&m, l1_count(&m) * 8);
                memcpy(m.file + tables, m.file + m.l1, l1_count(&m) * 8);
                set_l1(&m, tables);
            }
            check_same(&m, 16384);
            CHECK(sink.fetched > 0 && sink.dropped > 0 && sink.kept_bytes <= m.len);
            CHECK_EQ(convert(m.file, m.len, 16384, &pieces), 0);
            CHECK(pieces > 2); /* the work is done in pieces */
            unmake(&m);
        }
    }
}

TEST(subclusters)
{
    struct maker m;
    u64 part;
    u8 *entry;

    make(&m, 14, 64ull << 14, true);
    m.is_extended = true;
    m.file[79] = 1 << 4;
    put32(m.file + 36, (u32)l1_count(&m));
    part = m.cluster / 32;
    set_l1(&m, add(&m, l1_count(&m) * 8));
    fill_disk(&m);
    entry = entry_of(&m, 0);
    put64(entry + 8, 0x00ff0000ull << 32 | 0x8000ff01); /* some there, some zeroes, some neither */
    memset(m.disk + part, 0, 7 * part);
    memset(m.disk + 16 * part, 0, 15 * part);
    check_same(&m, 1460);
    put64(entry + 8, 1ull << 32 | 1);
    check_refused(&m, "is there and is not");
    put64(entry, 0);
    put64(entry + 8, 2);
    check_refused(&m, "does not begin where");
    unmake(&m);
}

/* What is not there costs nothing: a disk of 8 TiB. */
TEST(large_and_empty)
{
    struct qcow2_header header;
    struct maker m;

    make(&m, 16, 1 << 20, true);
    put64(m.file + 24, 8ull << 40);
    put32(m.file + 36, 16384);
    put64(m.file + 40, m.cluster);
    CHECK(qcow2_header_read(m.file, &header) == NULL);
    CHECK_EQ(header.disk_bytes, 8ull << 40);
    CHECK_EQ(header.l1_count, 16384);
    unmake(&m);
}
