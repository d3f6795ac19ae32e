/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Only what says where the disk's bytes are is looked at: not the counts of references, so a file
 * whose counts are marked as dirty is fine; nor snapshots inside of the file and bitmaps.
 */
#include "core/vmm/qcow2_format.h"

#include "core/lib/string.h"

/* Offsets in the header. */
#define HEAD_VERSION        4
#define HEAD_BACKING_OFFSET 8
#define HEAD_CLUSTER_BITS   20
#define HEAD_SIZE           24
#define HEAD_CRYPT          32
#define HEAD_L1_COUNT       36
#define HEAD_L1_OFFSET      40
#define HEAD_INCOMPATIBLE   72 /* from version 3 on */
#define HEAD_LENGTH         100
#define HEAD_COMPRESSION    104 /* if the header is as long */
#define HEAD_BYTES_V3       104u

/* Incompatible features. */
#define FEATURE_DIRTY         BIT(0)
#define FEATURE_CORRUPT       BIT(1)
#define FEATURE_EXTERNAL_DATA BIT(2)
#define FEATURE_COMPRESSION   BIT(3)
#define FEATURE_EXTENDED_L2   BIT(4)
#define FEATURES_KNOWN                                                               \
    (FEATURE_DIRTY | FEATURE_CORRUPT | FEATURE_EXTERNAL_DATA | FEATURE_COMPRESSION | \
     FEATURE_EXTENDED_L2)

#define CLUSTER_BITS_MIN          9u
#define CLUSTER_BITS_MAX          21u
#define CLUSTER_BITS_MIN_EXTENDED 14u
#define DISK_BYTES_MAX            (256ull * 1024 * GiB) /* as many as a pool can have */

#define ENTRY_OFFSET 0x00fffffffffffe00ull /* bits 9 to 55 */
#define ENTRY_PACKED BIT(62)
#define ENTRY_ZEROES BIT(0)
#define MAP_ALL      0xffffffffu

static u32 get32(const u8 *at)
{
    return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

static u64 get64(const u8 *at)
{
    return (u64)get32(at) << 32 | get32(at + 4);
}

bool qcow2_has_magic(const u8 *bytes)
{
    return memcmp(bytes, "QFI\xfb", QCOW2_MAGIC_BYTES) == 0;
}

static const char *check_features(const u8 *bytes, struct qcow2_header *out)
{
    u64 features = out->is_v3 ? get64(bytes + HEAD_INCOMPATIBLE) : 0;
    u32 length = out->is_v3 ? get32(bytes + HEAD_LENGTH) : HEAD_BYTES_V3;

    if (get64(bytes + HEAD_BACKING_OFFSET) != 0)
        return "The qcow2 file has a backing file, so it is only a part of its disk.";
    if (get32(bytes + HEAD_CRYPT) != 0)
        return "The qcow2 file is encrypted.";
    if (length < HEAD_BYTES_V3)
        return "The qcow2 file's header is too short for its version.";
    if (features & FEATURE_EXTERNAL_DATA)
        return "The qcow2 file has its data in another file.";
    if (features & FEATURE_CORRUPT)
        return "The qcow2 file is marked as corrupt.";
    if (features & ~FEATURES_KNOWN)
        return "The qcow2 file has a feature that is unknown here.";
    if ((features & FEATURE_COMPRESSION) &&
        (length <= HEAD_COMPRESSION || bytes[HEAD_COMPRESSION] != 0))
        return "The qcow2 file is not compressed by deflate (compression_type zlib).";
    out->has_extended_l2 = features & FEATURE_EXTENDED_L2;
    return NULL;
}

static const char *check_sizes(const u8 *bytes, struct qcow2_header *out)
{
    u64 l2_bytes, count = get32(bytes + HEAD_L1_COUNT);

    out->cluster_bits = get32(bytes + HEAD_CLUSTER_BITS);
    if (out->cluster_bits < CLUSTER_BITS_MIN || out->cluster_bits > CLUSTER_BITS_MAX ||
        (out->has_extended_l2 && out->cluster_bits < CLUSTER_BITS_MIN_EXTENDED))
        return "The qcow2 file's clusters are not of 512 bytes to 2 MiB.";
    out->disk_bytes = get64(bytes + HEAD_SIZE);
    if (out->disk_bytes == 0 || out->disk_bytes > DISK_BYTES_MAX)
        return "The qcow2 file's disk has no bytes, or more than 256 TiB.";
    l2_bytes = qcow2_l2_count(out) << out->cluster_bits;
    out->l1_count = (out->disk_bytes + l2_bytes - 1) / l2_bytes;
    out->l1_offset = get64(bytes + HEAD_L1_OFFSET);
    if (count < out->l1_count || out->l1_count > QCOW2_L1_MAX / 8)
        return "The qcow2 file's L1 table is too small for its disk, or too large.";
    if (out->l1_offset < qcow2_cluster(out) || out->l1_offset > ENTRY_OFFSET ||
        !IS_ALIGNED(out->l1_offset, qcow2_cluster(out)))
        return "The qcow2 file's L1 table is not where one can be.";
    return NULL;
}

const char *qcow2_header_read(const u8 *bytes, struct qcow2_header *out)
{
    u32 version = get32(bytes + HEAD_VERSION);
    const char *why;

    *out = (struct qcow2_header){.is_v3 = version == 3};
    if (!qcow2_has_magic(bytes))
        return "The file is not a qcow2 file.";
    if (version != 2 && version != 3)
        return "The qcow2 file is of neither version 2 nor version 3.";
    why = check_features(bytes, out);
    return why ? why : check_sizes(bytes, out);
}

const char *qcow2_l1_read(const struct qcow2_header *header, const u8 *entry, u64 *offset)
{
    *offset = get64(entry) & ENTRY_OFFSET;
    if (!IS_ALIGNED(*offset, qcow2_cluster(header)))
        return "The qcow2 file is damaged: an L2 table does not begin where a cluster does.";
    return NULL;
}

/* Spec: "Compressed Clusters Descriptor": the offset takes more bits the smaller clusters are, and
 * the sector it lies in is not counted. */
static void read_packed(const struct qcow2_header *header, u64 entry, struct qcow2_entry *out)
{
    u32 offset_bits = 62 - (header->cluster_bits - 8);
    u32 more = (u32)((entry & (ENTRY_PACKED - 1)) >> offset_bits);

    out->kind = QCOW2_PACKED;
    out->offset = entry & (BIT(offset_bits) - 1);
    out->bytes = (more + 1) * QCOW2_SECTOR - (u32)(out->offset % QCOW2_SECTOR);
}

const char *qcow2_l2_read(const struct qcow2_header *header, const u8 *table, u64 index,
                          struct qcow2_entry *out)
{
    const u8 *at = table + index * (header->has_extended_l2 ? 16 : 8);
    u64 entry = get64(at), offset = entry & ENTRY_OFFSET;
    u32 map = header->has_extended_l2 ? get32(at + 12) : offset ? MAP_ALL : 0;
    u32 zeroes = header->has_extended_l2 ? get32(at + 8) : 0;

    *out = (struct qcow2_entry){.kind = QCOW2_ZEROES};
    if (entry & ENTRY_PACKED) {
        read_packed(header, entry, out);
        return NULL;
    }
    if (!header->has_extended_l2 && header->is_v3 && (entry & ENTRY_ZEROES))
        return NULL;
    if (map & zeroes)
        return "The qcow2 file is damaged: a subcluster is there and is not.";
    if (map == 0)
        return NULL;
    if (offset == 0 || !IS_ALIGNED(offset, qcow2_cluster(header)))
        return "The qcow2 file is damaged: a cluster does not begin where one can.";
    *out = (struct qcow2_entry){.kind = QCOW2_DATA, .offset = offset, .map = map};
    return NULL;
}
