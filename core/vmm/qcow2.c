/* SPDX-License-Identifier: BSD-2-Clause */
/* The cursor: tables read, clusters placed. What has arrived is qcow2_file.c's. */
#include "core/vmm/qcow2.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/inflate.h"
#include "core/vmm/qcow2_file.h"
#include "core/vmm/qcow2_format.h"
#include "mm/kheap.h"

#define L1_PIECE   512u /* entries read at once */
/* Work in one go, in bytes of the disk; what costs little and moves none counts as STEP_COST. */
#define WORK_BYTES MiB
#define STEP_COST  64u

struct qcow2 {
    struct qcow2_place *place;
    struct qcow2_file file;
    struct qcow2_header header;
    const char *error;
    u8 head[QCOW2_HEAD_BYTES];
    size_t head_bytes;
    bool has_header;
    u64 at; /* the cursor: all of the disk before it is placed */
    u8 l1[L1_PIECE * 8];
    u64 l1_from; /* the first entry in it */
    u64 l1_got;  /* entries in it */
    u8 *l2;
    bool has_l2; /* the one for the cursor */
    u8 *cluster;
    u8 *input;    /* a packed cluster */
    u64 unpacked; /* bytes of the file, by now */
};

struct qcow2 *qcow2_create(struct qcow2_place *place)
{
    struct qcow2 *q = kzalloc(sizeof(*q));

    if (q)
        q->place = place;
    return q;
}

void qcow2_destroy(struct qcow2 *q)
{
    qcow2_file_fini(&q->file);
    kfree(q->l2);
    kfree(q->cluster);
    kfree(q->input);
    kfree(q);
}

const char *qcow2_error(const struct qcow2 *q)
{
    return q->error;
}

u64 qcow2_disk_bytes(const struct qcow2 *q)
{
    return q->header.disk_bytes;
}

static int refuse(struct qcow2 *q, const char *why)
{
    q->error = why;
    return -EINVAL;
}

/* The clusters of the file that hold these bytes are used now, by nobody else. */
static int claim(struct qcow2 *q, u64 offset, u64 bytes)
{
    int rc = qcow2_file_claim(&q->file, offset, bytes);

    return rc == -EEXIST ? refuse(q, "The qcow2 file is damaged: two parts of its disk or tables "
                                     "are in the same place of it.")
                         : rc;
}

/* -- tables
 * ------------------------------------------------------------------------------------------------
 */

/* Return: 0 and the entry; -EAGAIN: it has not arrived. */
static int l1_entry(struct qcow2 *q, u64 index, const u8 **out)
{
    const struct qcow2_header *header = &q->header;
    u64 from = index - index % L1_PIECE, count = MIN(L1_PIECE, header->l1_count - from);
    int rc = 0;

    if (q->l1_got == 0 || q->l1_from != from) {
        rc = qcow2_file_read(&q->file, header->l1_offset + from * 8, q->l1, count * 8);
        if (rc)
            return rc;
        q->l1_from = from;
        q->l1_got = count;
    }
    *out = q->l1 + (index - from) * 8;
    return 0;
}

/* The table for the cursor, or the cursor behind all that has none. */
static int load_l2(struct qcow2 *q, u64 *cost)
{
    u64 cluster = qcow2_cluster(&q->header), span = qcow2_l2_count(&q->header) * cluster;
    u64 index = q->at / span, offset;
    const u8 *entry;
    const char *why;
    int rc = l1_entry(q, index, &entry);

    if (rc)
        return rc;
    why = qcow2_l1_read(&q->header, entry, &offset);
    if (why)
        return refuse(q, why);
    if (offset == 0) {
        q->at = (index + 1) * span;
        return 0;
    }
    rc = qcow2_file_read(&q->file, offset, q->l2, cluster);
    if (rc == 0)
        rc = claim(q, offset, cluster);
    q->has_l2 = rc == 0;
    *cost += cluster;
    return rc;
}

/* -- clusters
 * ----------------------------------------------------------------------------------------------
 */

/* The subclusters that are there, neighbours in one go. bytes: of the disk, the last cluster may
 * have fewer. */
static int write_parts(struct qcow2 *q, u32 map, u64 bytes)
{
    u64 part = qcow2_cluster(&q->header) / QCOW2_SUBCLUSTERS;
    int rc = 0;

    if (map == 0xffffffffu)
        return q->place->write(q->place, q->at, q->cluster, bytes);
    for (u32 i = 0; i < QCOW2_SUBCLUSTERS && i * part < bytes && rc == 0; i++) {
        u32 n = i;

        while (n < QCOW2_SUBCLUSTERS && (map & BIT(n)))
            n++;
        if (n > i)
            rc = q->place->write(q->place, q->at + i * part, q->cluster + i * part,
                                 MIN(n * part, bytes) - i * part);
        i = n;
    }
    return rc;
}

static int place_data(struct qcow2 *q, const struct qcow2_entry *entry, u64 bytes)
{
    int rc = qcow2_file_read(&q->file, entry->offset, q->cluster, bytes);

    if (rc == 0)
        rc = claim(q, entry->offset, qcow2_cluster(&q->header));
    return rc ? rc : write_parts(q, entry->map, bytes);
}

/* What it has at most is rounded up to sectors, which may end behind the file. */
static int place_packed(struct qcow2 *q, const struct qcow2_entry *entry, u64 bytes)
{
    u64 cluster = qcow2_cluster(&q->header);
    size_t used, room = entry->bytes;
    int rc;

    if (q->file.is_whole)
        room = (size_t)MIN(room, q->file.received - MIN(entry->offset, q->file.received));
    if (q->file.is_whole && room == 0)
        return -EAGAIN;
    rc = qcow2_file_read(&q->file, entry->offset, q->input, room);
    if (rc)
        return rc;
    rc = inflate_raw(q->input, room, q->cluster, cluster, &used);
    q->unpacked += rc ? 0 : used;
    if (rc == -EINVAL || (rc == 0 && (used == 0 || q->unpacked > q->file.received)))
        return refuse(q, "The qcow2 file is damaged: a compressed cluster cannot be unpacked.");
    if (rc == 0 && qcow2_file_use(&q->file, entry->offset, used))
        return refuse(q, "The qcow2 file is damaged: a compressed cluster is where something else "
                         "is, too.");
    return rc ? rc : q->place->write(q->place, q->at, q->cluster, bytes);
}

/* *cost: what it took. Return: 0; -EAGAIN: something that it needs has not arrived. */
static int step(struct qcow2 *q, u64 *cost)
{
    u64 cluster = qcow2_cluster(&q->header), count = qcow2_l2_count(&q->header);
    u64 bytes = MIN(cluster, q->header.disk_bytes - q->at);
    struct qcow2_entry entry;
    const char *why;
    int rc = 0;

    *cost = STEP_COST;
    if (!q->has_l2)
        return load_l2(q, cost);
    why = qcow2_l2_read(&q->header, q->l2, q->at / cluster % count, &entry);
    if (why)
        return refuse(q, why);
    if (entry.kind != QCOW2_ZEROES)
        *cost += cluster;
    if (entry.kind == QCOW2_DATA)
        rc = place_data(q, &entry, bytes);
    else if (entry.kind == QCOW2_PACKED)
        rc = place_packed(q, &entry, bytes);
    if (rc)
        return rc;
    q->at += cluster;
    q->has_l2 = q->at / cluster % count != 0;
    return 0;
}

/* Return: 0: the end; -EAGAIN and *waits (something has not arrived) or not (enough for now). */
static int go_on(struct qcow2 *q, bool *waits)
{
    u64 done = 0, cost;
    int rc = 0;

    *waits = false;
    while (q->at < q->header.disk_bytes && done < WORK_BYTES && rc == 0) {
        rc = step(q, &cost);
        done += cost;
    }
    *waits = rc == -EAGAIN;
    if (rc)
        return rc;
    return q->at < q->header.disk_bytes ? -EAGAIN : 0;
}

/* -- the file
 * ----------------------------------------------------------------------------------------------
 */

/* The header is there. */
static int begin(struct qcow2 *q)
{
    const char *why = qcow2_header_read(q->head, &q->header);
    u64 cluster;
    int rc;

    if (why)
        return refuse(q, why);
    cluster = qcow2_cluster(&q->header);
    q->l2 = kmalloc(cluster);
    q->cluster = kmalloc(cluster);
    q->input = kmalloc(2 * cluster);
    if (!q->l2 || !q->cluster || !q->input)
        return -ENOMEM;
    rc = qcow2_file_init(&q->file, q->place, &q->header);
    if (rc == 0)
        rc = q->place->begin(q->place, q->header.disk_bytes);
    if (rc)
        return rc;
    q->has_header = true;
    return qcow2_feed(q, q->head, sizeof(q->head));
}

static int take_head(struct qcow2 *q, const u8 **data, size_t *bytes)
{
    size_t piece = MIN(*bytes, sizeof(q->head) - q->head_bytes);

    memcpy(q->head + q->head_bytes, *data, piece);
    q->head_bytes += piece;
    *data += piece;
    *bytes -= piece;
    return q->head_bytes == sizeof(q->head) ? begin(q) : 0;
}

int qcow2_feed(struct qcow2 *q, const u8 *data, size_t bytes)
{
    bool waits;
    int rc = 0;

    if (!q->has_header)
        rc = take_head(q, &data, &bytes);
    while (bytes > 0 && rc == 0) {
        size_t taken;

        rc = qcow2_file_append(&q->file, data, bytes, &taken);
        if (rc == 0)
            rc = go_on(q, &waits);
        if (rc == -EAGAIN)
            rc = 0;
        data += taken;
        bytes -= taken;
    }
    return rc;
}

int qcow2_finish(struct qcow2 *q)
{
    bool waits;
    int rc;

    if (!q->has_header)
        return refuse(q, "The qcow2 file ends within its header.");
    q->file.is_whole = true;
    rc = go_on(q, &waits);
    if (rc == -EAGAIN && waits)
        return refuse(q, "The qcow2 file ends before all that its tables tell of.");
    return rc;
}
