/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks a datastore that has been recovered (mounted and let go): every checksum, pointer,
 * reference count and sum. Written apart from core/store, which it checks; it shares only the
 * format.
 */
#ifndef SOCLE_TOOLS_STORE_CHECK_H
#define SOCLE_TOOLS_STORE_CHECK_H

#include "core/lib/crc32c.h"
#include "core/store/store_format.h"

struct store_check {
    /* The caller's. */
    bool (*read)(void *arg, u64 block, void *out); /* false: unreadable */
    void (*report)(void *arg, const char *line);   /* a fault; may be NULL */
    void *arg;
    u64 blocks; /* of the disk */

    /* Out. */
    u64 faults;
    u64 objects, free_extents, data_extents, node_extents, nodes;

    /* The check's. */
    struct crc32c_tables crc;
    u32 seed;
    struct store_geometry g;
    struct store_root root;
    struct check_extent *extents;
    struct check_node *node_list;
    u64 node_list_count;
};

/* Return: the number of faults. Context: a host program; allocates. */
u64 store_check(struct store_check *check);

#endif
