/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/qcow2.c core/vmm/qcow2_file.c core/vmm/qcow2_format.c core/vmm/inflate.c
 * build/deps/zlib/adler32.c build/deps/zlib/inffast.c build/deps/zlib/inflate.c
 * build/deps/zlib/inftrees.c build/deps/zlib/zutil.c build/deps/zlib/deflate.c
 * build/deps/zlib/trees.c tests/fakes/heap.c
 */
/*
 * qcow2 files made here, of every kind of cluster and in any order of their parts, give the bytes
 * of their disk; what is wrong with a file is said.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/lib/errno.h"
#include "core/vmm/inflate.h"
#include "core/vmm/qcow2.h"
#include "core/vmm/qcow2_format.h"
#include "mm/kheap.h"

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

static void *z_alloc(void *opaque, unsigned items, unsigned bytes)
{
    (void)opaque;
    return malloc((size_t)items * bytes);
}

static void z_free(void *opaque, void *p)
{
    (void)opaque;
    free(p);
}

/* -- files
 * -------------------------------------------------------------------------------------------------
 */

#define FILE_MAX (16u << 20)

/* A file that is being made, and what its disk holds. */
struct maker {
    u32 bits;
    u64 cluster;
    bool is_v3, is_extended;
    u64 disk_bytes;
    u8 *file;
    u64 len;      /* a multiple of the cluster */
    u64 squeezed; /* end of the packed ones, which lie at any byte */
    u64 l1;
    u8 *disk;
};

static void put32(u8 *at, u32 value)
{
    for (u32 i = 0; i < 4; i++)
        at[i] = (u8)(value >> (24 - 8 * i));
}

static void put64(u8 *at, u64 value)
{
    put32(at, (u32)(value >> 32));
    put32(at + 4, (u32)value);
}

static u64 get64(const u8 *at)
{
    u64 value = 0;

    for (u32 i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

/* Clusters at the file's end. */
static u64 add(struct maker *m, u64 bytes)
{
    u64 at = m->len;

    m->len += (bytes + m->cluster - 1) / m->cluster * m->cluster;
    CHECK(m->len <= FILE_MAX);
    return at;
}

static u64 l2_count(const struct maker *m)
{
    return m->cluster / (m->is_extended ? 16 : 8);
}

static u64 l1_count(const struct maker *m)
{
    u64 span = l2_count(m) * m->cluster;

    return (m->disk_bytes + span - 1) / span;
}

static void set_l1(struct maker *m, u64 at)
{
    m->l1 = at;
    put64(m->file + 40, at);
}

static void make(struct maker *m, u32 bits, u64 disk_bytes, bool is_v3)
{
    *m = (struct maker){
        .bits = bits, .cluster = 1ull << bits, .is_v3 = is_v3, .disk_bytes = disk_bytes};
    m->file = calloc(1, FILE_MAX);
    m->disk = calloc(1, disk_bytes);
    (void)add(m, m->cluster);
    memcpy(m->file, "QFI\xfb", 4);
    put32(m->file + 4, is_v3 ? 3 : 2);
    put32(m->file + 20, bits);
    put64(m->file + 24, disk_bytes);
    put32(m->file + 36, (u32)l1_count(m));
    put32(m->file + 96, 4);
    put32(m->file + 100, 104);
}

static void unmake(struct maker *m)
{
    free(m->file);
    free(m->disk);
}

/* The entry of a cluster of the disk; its table is added if there is none. */
static u8 *entry_of(struct maker *m, u64 index)
{
    u8 *l1 = m->file + m->l1 + index / l2_count(m) * 8;

    if (get64(l1) == 0)
        put64(l1, add(m, m->cluster) | 1ull << 63);
    return m->file + (get64(l1) & 0x00fffffffffffe00ull) +
           index % l2_count(m) * (m->is_extended ? 16 : 8);
}

static void fill(u8 *at, u64 bytes, u32 seed)
{
    for (u64 i = 0; i < bytes; i++) {
        seed = seed * 1103515245 + 12345;
        at[i] = (u8)(seed >> 16);
    }
}

static u64 disk_part(const struct maker *m, u64 index)
{
    u64 left = m->disk_bytes - index * m->cluster;

    return left < m->cluster ? left : m->cluster;
}

static void put_data(struct maker *m, u64 index)
{
    u8 *entry = entry_of(m, index);
    u64 at = add(m, m->cluster);

    fill(m->file + at, m->cluster, (u32)index + 1);
    memcpy(m->disk + index * m->cluster, m->file + at, disk_part(m, index));
    put64(entry, at | 1ull << 63);
    if (m->is_extended)
        put64(entry + 8, 0xffffffff);
}

/* Packed at the file's end, at any byte, as qemu-img does; text-like, so that it gets smaller. */
static void put_packed(struct maker *m, u64 index)
{
    z_stream z = {.zalloc = z_alloc, .zfree = z_free};
    u8 *plain = malloc(m->cluster), *out = malloc(2 * m->cluster), *entry = entry_of(m, index);
    u32 offset_bits = 62 - (m->bits - 8);
    u64 bytes, sectors;

    for (u64 i = 0; i < m->cluster; i++)
        plain[i] = (u8)("socle "[i % 6] + (i % 97 == 0 ? index : 0));
    memcpy(m->disk + index * m->cluster, plain, disk_part(m, index));
    CHECK_EQ(deflateInit2(&z, 9, Z_DEFLATED, -12, 9, 0), Z_OK);
    z.next_in = plain;
    z.avail_in = (unsigned)m->cluster;
    z.next_out = out;
    z.avail_out = (unsigned)(2 * m->cluster);
    CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
    bytes = z.total_out;
    deflateEnd(&z);
    if (m->squeezed == 0 || m->squeezed / m->cluster != (m->len - 1) / m->cluster ||
        m->squeezed + bytes > m->len)
        m->squeezed = add(m, bytes);
    memcpy(m->file + m->squeezed, out, bytes);
    sectors = (m->squeezed + bytes - 1) / 512 - m->squeezed / 512;
    put64(entry, 1ull << 62 | sectors << offset_bits | m->squeezed);
    if (m->is_extended)
        put64(entry + 8, 0);
    m->squeezed += bytes;
    free(plain);
    free(out);
}

/* With an offset, which does not count. */
static void put_zero(struct maker *m, u64 index)
{
    u8 *entry = entry_of(m, index);

    if (m->is_extended)
        put64(entry + 8, 0xffffffffull << 32);
    else
        put64(entry, add(m, m->cluster) | 1);
}

/* -- conversion
 * ------------------------------------------------------------------------------------------------
 */

struct sink {
    struct qcow2_place place;
    u8 *disk, *kept;
    u64 disk_bytes, at, kept_at;
    u64 kept_bytes, fetched, dropped, written;
    int error;
};

static int sink_begin(struct qcow2_place *place, u64 disk_bytes)
{
    struct sink *s = (struct sink *)place;

    CHECK(s->disk == NULL);
    s->disk_bytes = disk_bytes;
    s->disk = calloc(1, disk_bytes);
    return s->error;
}

static int sink_write(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    struct sink *s = (struct sink *)place;

    CHECK(offset >= s->at && offset + bytes <= s->disk_bytes);
    memcpy(s->disk + offset, src, bytes);
    s->at = offset + bytes;
    s->written += bytes;
    return s->error;
}

static int sink_keep(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    struct sink *s = (struct sink *)place;

    CHECK(offset >= s->kept_at && bytes > 0);
    memcpy(s->kept + offset, src, bytes);
    s->kept_at = offset + bytes;
    s->kept_bytes += bytes;
    return s->error;
}

static int sink_fetch(struct qcow2_place *place, u64 offset, void *dst, size_t bytes)
{
    struct sink *s = (struct sink *)place;

    memcpy(dst, s->kept + offset, bytes);
    s->fetched += bytes;
    return s->error;
}

static void sink_drop(struct qcow2_place *place, u64 offset, size_t bytes)
{
    struct sink *s = (struct sink *)place;

    memset(s->kept + offset, 0xdd, bytes);
    s->dropped += bytes;
}

static struct sink sink;
static char error[160];

/* Return: what it came to; *pieces: how many turns it took behind the last byte. */
static int convert(const u8 *file, u64 len, size_t piece, u32 *pieces)
{
    struct qcow2 *q;
    int rc = 0;

    free(sink.disk);
    free(sink.kept);
    sink = (struct sink){.place = {sink_begin, sink_write, sink_keep, sink_fetch, sink_drop},
                         .error = sink.error};
    sink.kept = calloc(1, FILE_MAX + 512);
    q = qcow2_create(&sink.place);
    for (u64 at = 0; at < len && rc == 0; at += piece) {
        u8 *copy = malloc(piece);
        size_t n = len - at < piece ? len - at : piece;

        memcpy(copy, file + at, n);
        rc = qcow2_feed(q, copy, n);
        free(copy);
    }
    *pieces = 0;
    while (rc == 0 || rc == -EAGAIN) {
        rc = qcow2_finish(q);
        ++*pieces;
        if (rc == 0)
            break;
    }
    error[0] = '\0';
    if (qcow2_error(q))
        strncpy(error, qcow2_error(q), sizeof(error) - 1);
    CHECK_EQ(rc == -EINVAL, error[0] != '\0');
    qcow2_destroy(q);
    return rc;
}

static void check_same(const struct maker *m, size_t piece)
{
    u32 pieces;
    int rc = convert(m->file, m->len, piece, &pieces);

    if (rc)
        printf("%s\n", error);
    CHECK_EQ(rc, 0);
    CHECK_EQ(sink.disk_bytes, m->disk_bytes);
    CHECK(memcmp(sink.disk, m->disk, m->disk_bytes) == 0);
}

static void check_refused(const struct maker *m, const char *words)
{
    u32 pieces;

    CHECK_EQ(convert(m->file, m->len, 5000, &pieces), -EINVAL);
    if (!strstr(error, words))
        printf("%s\n", error);
    CHECK(strstr(error, words) != NULL);
}

/* Every seventh cluster packed, of zeroes, or a hole; the last cluster is not whole. */
static void fill_disk(struct maker *m)
{
    u64 count = (m->disk_bytes + m->cluster - 1) / m->cluster;

    for (u64 i = 0; i < count; i++) {
        if (i % 7 == 2)
            put_packed(m, i);
        else if (i % 7 == 4 && m->is_v3)
            put_zero(m, i);
        else if (i % 7 != 5)
            put_data(m, i);
    }
}

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
