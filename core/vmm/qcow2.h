/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A qcow2 file, turned into the bytes of its disk while it streams in.
 *
 * A cursor goes through the disk from its begin to its end. Whenever more of the file is there it
 * goes on: to the next cluster that is not there yet, or whose table is not. So what it gives out
 * is in order, and all it needs in memory is one L2 table, a piece of the L1 table and buffers of a
 * few clusters (at most 16 MiB), whatever the file is like. What arrives stays in a window of the
 * newest bytes; those it moves on from without the cursor having used them are kept by the owner,
 * in the file's order, and fetched from there later. A file as qemu-img writes it has its data in
 * the disk's order, so nearly nothing is kept; one that a VM has used, or whose tables come last,
 * is kept as far as need be, and the rest of the work is done behind its last byte.
 *
 * Each cluster of the file may be used once. Hostile files are fine: the disk's bytes that are not
 * zeroes are at most 1032 times the file's (deflate's limit), the work is bounded by them and by
 * the tables' size.
 *
 * Context: one task.
 */
#ifndef SOCLE_VMM_QCOW2_H
#define SOCLE_VMM_QCOW2_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct qcow2; /* opaque */

/* Where all goes; its owner embeds it. Each returns 0 or an error, which ends the conversion. */
struct qcow2_place {
    /* The disk has so many bytes, zeroes where nothing is written. Once, before all others. */
    int (*begin)(struct qcow2_place *place, u64 disk_bytes);
    /* Bytes of the disk, never before those of the last call. */
    int (*write)(struct qcow2_place *place, u64 offset, const void *src, size_t bytes);
    /* Bytes of the file, to be fetched later perhaps; never before those of the last call. */
    int (*keep)(struct qcow2_place *place, u64 offset, const void *src, size_t bytes);
    int (*fetch)(struct qcow2_place *place, u64 offset, void *dst, size_t bytes);
    /* They will not be fetched again. */
    void (*drop)(struct qcow2_place *place, u64 offset, size_t bytes);
};

/* NULL: no memory. The place stays the caller's and has to outlive it. */
struct qcow2 *qcow2_create(struct qcow2_place *place) must_check;
void qcow2_destroy(struct qcow2 *q);

/* The next bytes of the file. Return: 0; -EINVAL (qcow2_error), -ENOMEM, or an error of the place;
 * then it is to be destroyed. */
int qcow2_feed(struct qcow2 *q, const u8 *data, size_t bytes) must_check;

/* There are no more bytes: does a piece of what is left, some milliseconds of work. Return: 0: all
 * is done; -EAGAIN: there is more; others as qcow2_feed. */
int qcow2_finish(struct qcow2 *q) must_check;

/* After -EINVAL: what is wrong with the file, a sentence. Else NULL. */
const char *qcow2_error(const struct qcow2 *q);

/* Of the disk; 0 as long as it is not known. */
u64 qcow2_disk_bytes(const struct qcow2 *q);

#endif
