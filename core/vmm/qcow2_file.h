/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a qcow2 file that have arrived: the newest in a window, those before it with the
 * owner, and a bit for each cluster that somebody has used. Private to qcow2.c.
 */
#ifndef SOCLE_VMM_QCOW2_FILE_H
#define SOCLE_VMM_QCOW2_FILE_H

#include "core/vmm/qcow2.h"
#include "core/vmm/qcow2_format.h"

struct qcow2_file {
    struct qcow2_place *place;
    u32 cluster_bits;
    u64 tables_begin, tables_end; /* the L1 table: nothing else can be there */
    u64 received;
    bool is_whole; /* all of it */
    u8 *window;
    size_t window_bytes; /* of which the window can have twice as many */
    size_t len;
    u64 window_at; /* in the file */
    u8 *used;      /* a bit per cluster */
    u64 used_bytes;
    u64 packed_begin, packed_end; /* packed clusters used in a row, without a gap */
};

/* Return: 0, -ENOMEM; to be ended by fini in any case. */
int qcow2_file_init(struct qcow2_file *file, struct qcow2_place *place,
                    const struct qcow2_header *header) must_check;
void qcow2_file_fini(struct qcow2_file *file); /* also of zeroes */

/* Takes some bytes, at most a window. Return: 0 and *taken; an error of the place, -ENOMEM. */
int qcow2_file_append(struct qcow2_file *file, const u8 *data, size_t bytes,
                      size_t *taken) must_check;

/* Return: 0; -EAGAIN (not all of it is there); an error of the place. */
int qcow2_file_read(struct qcow2_file *file, u64 offset, u8 *dst, u64 bytes) must_check;

/*
 * Whole clusters that have been read are not needed again: whoever wants them later is wrong.
 * Return: 0; -EEXIST: they are used already, or are where header and L1 table are; -ENOMEM.
 */
int qcow2_file_claim(struct qcow2_file *file, u64 offset, u64 bytes) must_check;

/* The same for packed bytes, which may share a cluster. Return: 0, -EEXIST. */
int qcow2_file_use(struct qcow2_file *file, u64 offset, u64 bytes) must_check;

#endif
