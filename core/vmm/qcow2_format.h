/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qcow2 as it lies in a file: its header and the entries of its tables, checked and decoded.
 *
 * A file consists of clusters of one size. The L1 table, which the header points at, points at L2
 * tables of one cluster each, whose entries tell where the clusters of the disk are: in a cluster
 * of the file, packed somewhere in it, or nowhere (zeroes). All is big-endian.
 *
 * Spec: QEMU, docs/interop/qcow2, versions 2 and 3. Pure functions.
 */
#ifndef SOCLE_VMM_QCOW2_FORMAT_H
#define SOCLE_VMM_QCOW2_FORMAT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define QCOW2_MAGIC_BYTES 4u
#define QCOW2_HEAD_BYTES  512u       /* the smallest cluster; a header is within it */
#define QCOW2_SECTOR      512u       /* what packed clusters are counted in */
#define QCOW2_SUBCLUSTERS 32u        /* of a cluster, with extended L2 entries */
#define QCOW2_L1_MAX      (32 * MiB) /* QEMU's own limit */

struct qcow2_header {
    u64 disk_bytes;
    u64 l1_offset; /* in the file */
    u64 l1_count;  /* entries that the disk needs; all are in the table */
    u32 cluster_bits;
    bool is_v3;
    bool has_extended_l2;
};

enum qcow2_kind { QCOW2_ZEROES, QCOW2_DATA, QCOW2_PACKED };

/* What a cluster of the disk is. */
struct qcow2_entry {
    enum qcow2_kind kind;
    u64 offset; /* in the file; of data: a multiple of the cluster */
    u32 bytes;  /* packed: how many it has at most; less only where the file ends */
    u32 map; /* data: the subclusters that are there (without subclusters: all); others: zeroes */
};

/* True if a file that begins so (QCOW2_MAGIC_BYTES) is a qcow2 file. */
bool qcow2_has_magic(const u8 *bytes);

/* QCOW2_HEAD_BYTES of it. Return: NULL, and *out; else a sentence for the user: why not. */
const char *qcow2_header_read(const u8 *bytes, struct qcow2_header *out);

static inline u64 qcow2_cluster(const struct qcow2_header *header)
{
    return BIT(header->cluster_bits);
}

/* Clusters of the disk that one L2 table tells of. */
static inline u64 qcow2_l2_count(const struct qcow2_header *header)
{
    return qcow2_cluster(header) / (header->has_extended_l2 ? 16 : 8);
}

/* Return: NULL, and *offset of the L2 table (0: there is none, all of it is zeroes); else a
 * sentence. */
const char *qcow2_l1_read(const struct qcow2_header *header, const u8 *entry, u64 *offset);

/* The index-th entry of an L2 table. Return: NULL, and *out; else a sentence. */
const char *qcow2_l2_read(const struct qcow2_header *header, const u8 *table, u64 index,
                          struct qcow2_entry *out);

#endif
