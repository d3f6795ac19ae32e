/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/qcow2.c core/vmm/qcow2_file.c core/vmm/qcow2_format.c core/vmm/inflate.c
 * build/deps/zlib/adler32.c build/deps/zlib/inffast.c build/deps/zlib/inflate.c
 * build/deps/zlib/inftrees.c build/deps/zlib/zutil.c tests/fakes/heap.c
 */
/*
 * Any bytes as a qcow2 file, in pieces of any size: the conversion ends, writes in order and inside
 * of the disk, and no more than the file is good for. The first bytes are put over a header that is
 * good, so that the tables are reached; the file is as long as byte 2 says, zeroes at its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "core/vmm/qcow2.h"
#include "mm/kheap.h"

#define FILE_MAX   (64u * 1024)
#define DISK_MAX   (1ull << 30)
#define RATIO_MAX  1032u /* deflate's */
#define FLAG_WHOLE 0x80u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

static u64 disk_bytes, at, written, kept_at;
static u8 kept[FILE_MAX];

static int begin(struct qcow2_place *place, u64 bytes)
{
    (void)place;
    disk_bytes = bytes;
    return bytes > DISK_MAX ? -ENOMEM : 0;
}

static int write_disk(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    u8 sum = 0;

    (void)place;
    if (offset < at || bytes == 0 || offset + bytes > disk_bytes)
        abort();
    for (size_t i = 0; i < bytes; i += 64)
        sum ^= ((const u8 *)src)[i];
    written += bytes + (sum & 0);
    at = offset + bytes;
    return 0;
}

static int keep(struct qcow2_place *place, u64 offset, const void *src, size_t bytes)
{
    (void)place;
    if (offset < kept_at || bytes == 0 || offset + bytes > FILE_MAX)
        abort();
    memcpy(kept + offset, src, bytes);
    kept_at = offset + bytes;
    return 0;
}

static int fetch(struct qcow2_place *place, u64 offset, void *dst, size_t bytes)
{
    (void)place;
    if (offset + bytes > FILE_MAX)
        abort();
    memcpy(dst, kept + offset, bytes);
    return 0;
}

static void drop(struct qcow2_place *place, u64 offset, size_t bytes)
{
    (void)place;
    memset(kept + offset, 0xdd, bytes < FILE_MAX - offset ? bytes : FILE_MAX - offset);
}

/* A disk of 1 MiB in clusters of 512 bytes, its L1 table in the second of them: a small window. */
static void put_header(u8 *file)
{
    static const u8 head[112] = {
        'Q', 'F',      'I',         0xfb,      0,        0,        0,
        3,   [23] = 9, [29] = 0x10, [39] = 32, [46] = 2, [99] = 4, [103] = 112,
    };

    memcpy(file, head, sizeof(head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static u8 file[FILE_MAX];
    struct qcow2_place place = {begin, write_disk, keep, fetch, drop};
    size_t piece, len, front;
    struct qcow2 *q;
    int rc = 0;

    if (size < 4)
        return 0;
    piece = 1u + data[0] * 67u;
    front = data[1] & FLAG_WHOLE ? 0 : 112;
    len = 256u * (data[2] + 1u);
    data += 4;
    size -= 4;
    memset(file, 0, sizeof(file));
    put_header(file);
    memcpy(file + front, data, size < len - front ? size : len - front);
    disk_bytes = at = written = kept_at = 0;
    memset(kept, 0, sizeof(kept));
    q = qcow2_create(&place);
    for (size_t i = 0; i < len && rc == 0; i += piece)
        rc = qcow2_feed(q, file + i, len - i < piece ? len - i : piece);
    if (rc == 0)
        do {
            rc = qcow2_finish(q);
        } while (rc == -EAGAIN);
    if ((rc == -EINVAL) != (qcow2_error(q) != NULL) || written > (u64)RATIO_MAX * len)
        abort();
    qcow2_destroy(q);
    return 0;
}
