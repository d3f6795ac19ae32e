/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uploads that can be resumed: a client that has asked for it (Upload-Complete) and whose
 * connection breaks finds what it has sent for a while longer.
 *
 * Which they are and how long they are kept is decided here; the images themselves are the
 * caller's. A table of fixed size, plain data without a lock.
 */
#ifndef SOCLE_MGMT_UPLOADS_H
#define SOCLE_MGMT_UPLOADS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define UPLOADS_MAX     16u
#define UPLOAD_NAME_MAX 63u
#define UPLOAD_KEEP_NS  (600 * NS_PER_S) /* so long one stays that nobody goes on with */

struct image;

struct upload {
    struct image *image; /* being uploaded; NULL: a free place */
    char name[UPLOAD_NAME_MAX + 1];
    bool is_busy;      /* a connection is sending */
    u64 idle_since_ns; /* else */
    u64 total_bytes;   /* what the client has said it is; 0: it has not */
    bool has_digest;   /* what it is to be, by the first request */
    u8 sha256[32];
};

struct upload_table {
    struct upload uploads[UPLOADS_MAX];
};

/*
 * A place for one that begins now, busy. With all taken the one that is idle longest makes room:
 * *dropped is its image, for the caller to end; NULL: none. Return: NULL: all are busy.
 */
struct upload *upload_add(struct upload_table *table, struct image *image, const char *name,
                          struct image **dropped);

struct upload *upload_find(struct upload_table *table, const char *name);

/* Its connection is gone: it stays for UPLOAD_KEEP_NS. */
void upload_rest(struct upload *upload, u64 now_ns);

/* It is complete, or given up: the place becomes free. Return: its image. */
struct image *upload_remove(struct upload *upload);

/* One whose time is over, or NULL. */
struct upload *upload_overdue(struct upload_table *table, u64 now_ns);

#endif
