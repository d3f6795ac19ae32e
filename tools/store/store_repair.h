/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a datastore consistent again whose metadata were damaged: maps and records that can be read
 * say what is there, and counts, table and sums are made anew of them. What cannot be read is told
 * and left out: a part of a volume reads as zeroes, an object is gone.
 *
 * To be called after a mount was tried, which has written whole commits of the journal to their
 * places, and let go of. Reads all maps; data stay as they are.
 */
#ifndef SOCLE_TOOLS_STORE_REPAIR_H
#define SOCLE_TOOLS_STORE_REPAIR_H

#include "core/lib/crc32c.h"
#include "core/store/store_format.h"

struct store_repair {
    /* The caller's. */
    bool (*read)(void *arg, u64 block, void *out); /* false: unreadable */
    bool (*write)(void *arg, u64 block, const void *data);
    void (*report)(void *arg, const char *line); /* what was lost, or done */
    void *arg;
    u64 blocks; /* of the disk */

    /* Out. */
    u64 losses; /* objects, and parts of volumes */
    u64 objects;

    /* The repair's. */
    struct crc32c_tables crc;
    u32 seed;
    struct store_geometry g;
    struct store_super super;
    struct store_root root;
    struct repair_extent *extents;
    bool is_counting; /* the second pass */
    bool has_failed;  /* to write */
};

/*
 * Repairs. One that is interrupted leaves a datastore that does not mount until it is repaired
 * again. Return: 0; -ENOENT: neither superblock can be read, so nothing can; -EIO: a block could
 * not be written. Context: a host program; allocates.
 */
int store_repair(struct store_repair *repair);

#endif
