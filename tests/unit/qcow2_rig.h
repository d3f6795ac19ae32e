/* SPDX-License-Identifier: BSD-2-Clause */
/* qcow2 files of every kind of cluster, made here, and a place that takes the bytes of their disk.
 */
#ifndef SOCLE_TESTS_QCOW2_RIG_H
#define SOCLE_TESTS_QCOW2_RIG_H

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

/* -- files -- */

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

/* -- conversion -- */

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

#endif
