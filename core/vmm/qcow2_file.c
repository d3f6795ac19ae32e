/* SPDX-License-Identifier: BSD-2-Clause */
/* A window is half full at least before bytes leave it, so a cluster and its packed neighbours are
 * in it when the last of them arrives. */
#include "core/vmm/qcow2_file.h"

#include "core/lib/bitmap.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/kheap.h"

/* Half a window: two clusters at least, as many as a packed one has. */
#define WINDOW_BYTES        MiB
#define WINDOW_CLUSTERS     16u
#define WINDOW_CLUSTERS_MIN 2u
#define USED_MIN            64u
#define GAP_MAX             QCOW2_SECTOR /* between packed clusters: some writers begin at a sector */

int qcow2_file_init(struct qcow2_file *file, struct qcow2_place *place,
                    const struct qcow2_header *header)
{
    u64 cluster = qcow2_cluster(header);
    size_t bytes = MAX(WINDOW_CLUSTERS_MIN * cluster, MIN(WINDOW_CLUSTERS * cluster, WINDOW_BYTES));

    *file = (struct qcow2_file){.place = place,
                                .cluster_bits = header->cluster_bits,
                                .tables_begin = header->l1_offset,
                                .tables_end = header->l1_offset + header->l1_count * 8,
                                .window_bytes = bytes,
                                .window = kmalloc(2 * bytes),
                                .used = kzalloc(USED_MIN),
                                .used_bytes = USED_MIN};
    return file->window && file->used ? 0 : -ENOMEM;
}

void qcow2_file_fini(struct qcow2_file *file)
{
    kfree(file->window);
    kfree(file->used);
}

/* -- what is used
 * ------------------------------------------------------------------------------------------
 */

static bool is_used(const struct qcow2_file *file, u64 cluster)
{
    return cluster / 8 < file->used_bytes && (file->used[cluster / 8] & BIT(cluster % 8));
}

/* Room for a cluster that has arrived: an eighth of a byte for each at most, twice. */
static int used_grow(struct qcow2_file *file, u64 cluster)
{
    u64 bytes = file->used_bytes;
    u8 *used;

    while (bytes <= cluster / 8)
        bytes *= 2;
    if (bytes == file->used_bytes)
        return 0;
    used = kzalloc(bytes);
    if (!used)
        return -ENOMEM;
    memcpy(used, file->used, file->used_bytes);
    kfree(file->used);
    file->used = used;
    file->used_bytes = bytes;
    return 0;
}

static int mark(struct qcow2_file *file, u64 cluster)
{
    int rc = used_grow(file, cluster);

    if (rc == 0)
        file->used[cluster / 8] |= (u8)BIT(cluster % 8);
    return rc;
}

/* Cluster 0 has the header. */
static bool is_taken(const struct qcow2_file *file, u64 offset, u64 bytes)
{
    u64 first = offset >> file->cluster_bits, last = (offset + bytes - 1) >> file->cluster_bits;

    if (first == 0 || (offset < file->tables_end && offset + bytes > file->tables_begin))
        return true;
    for (u64 i = first; i <= last; i++) {
        if (is_used(file, i))
            return true;
    }
    return false;
}

int qcow2_file_claim(struct qcow2_file *file, u64 offset, u64 bytes)
{
    int rc = is_taken(file, offset, bytes) ? -EEXIST : 0;

    for (u64 i = offset; i < offset + bytes && rc == 0; i += BIT(file->cluster_bits))
        rc = mark(file, i >> file->cluster_bits);
    if (rc == 0 && offset < file->window_at)
        file->place->drop(file->place, offset, bytes);
    return rc;
}

int qcow2_file_use(struct qcow2_file *file, u64 offset, u64 bytes)
{
    if (is_taken(file, offset, bytes))
        return -EEXIST;
    if (offset < file->packed_end || offset > file->packed_end + GAP_MAX)
        file->packed_begin = offset;
    file->packed_end = offset + bytes;
    return 0;
}

/* -- what is there
 * -----------------------------------------------------------------------------------------
 */

/* Whether a cluster that leaves the window is used, maybe by packed ones. */
static int settle(struct qcow2_file *file, u64 cluster, bool *used)
{
    u64 begin = cluster << file->cluster_bits, end = begin + BIT(file->cluster_bits);

    *used = is_used(file, cluster);
    if (*used || begin < file->packed_begin || end > file->packed_end)
        return 0;
    *used = true;
    return mark(file, cluster);
}

/* The window's first half leaves it. */
static int move_on(struct qcow2_file *file)
{
    size_t size = BIT(file->cluster_bits), bytes = file->window_bytes, kept = 0;
    int rc = 0;

    for (size_t at = 0; at <= bytes && rc == 0; at += size) {
        bool used = true;

        if (at < bytes)
            rc = settle(file, (file->window_at + at) >> file->cluster_bits, &used);
        if (used && kept < at && rc == 0)
            rc = file->place->keep(file->place, file->window_at + kept, file->window + kept,
                                   at - kept);
        if (used)
            kept = at + size;
    }
    memmove(file->window, file->window + bytes, file->len - bytes);
    file->len -= bytes;
    file->window_at += bytes;
    return rc;
}

int qcow2_file_append(struct qcow2_file *file, const u8 *data, size_t bytes, size_t *taken)
{
    int rc = file->len == 2 * file->window_bytes ? move_on(file) : 0;

    *taken = MIN(bytes, 2 * file->window_bytes - file->len);
    memcpy(file->window + file->len, data, *taken);
    file->len += *taken;
    file->received += *taken;
    return rc;
}

int qcow2_file_read(struct qcow2_file *file, u64 offset, u8 *dst, u64 bytes)
{
    u64 before;
    int rc = 0;

    if (offset > file->received || bytes > file->received - offset)
        return -EAGAIN;
    before = offset < file->window_at ? MIN(bytes, file->window_at - offset) : 0;
    if (before > 0)
        rc = file->place->fetch(file->place, offset, dst, before);
    if (rc == 0 && bytes > before)
        memcpy(dst + before, file->window + (offset + before - file->window_at), bytes - before);
    return rc;
}
