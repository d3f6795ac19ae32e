/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The datastore on disk. All numbers are little-endian; a block is 4 KiB, an extent 16 blocks.
 *
 *   extent 0              block 0: superblock (written once), block 1: root record
 *   two journal slots     STORE_JOURNAL_BLOCKS each
 *   table                 one u32 per extent of the pool
 *   extents               data of volumes, or 15 nodes behind a block of their reference counts
 *   last extent           block 0: copy of the superblock
 *
 * Every block but data begins with struct store_head.
 */
#ifndef SOCLE_STORE_FORMAT_H
#define SOCLE_STORE_FORMAT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define STORE_BLOCK         4096u
#define STORE_EXTENT_BLOCKS 16u
#define STORE_EXTENT        (STORE_BLOCK * STORE_EXTENT_BLOCKS)

/* 5b1f5a0e-7c34-4d0b-9a57-50c1e0da7a01, in the order in which it is written. */
#define STORE_PARTITION_TYPE                                                                      \
    {                                                                                             \
        0x5b, 0x1f, 0x5a, 0x0e, 0x7c, 0x34, 0x4d, 0x0b, 0x9a, 0x57, 0x50, 0xc1, 0xe0, 0xda, 0x7a, \
            0x01                                                                                  \
    }

enum store_block_kind {
    STORE_KIND_SUPER = 0x101,
    STORE_KIND_ROOT,
    STORE_KIND_JOURNAL,
    STORE_KIND_TABLE,
    STORE_KIND_NODE_REFS,
    STORE_KIND_DIR,
    STORE_KIND_RECORDS,
    STORE_KIND_BLOB,
    STORE_KIND_NODE = 0x200, /* and its level: 0 points to data */
};

struct store_head {
    u32 crc;   /* CRC-32C of the rest of the block, begun with the one of the pool's UUID */
    u32 kind;  /* enum store_block_kind */
    u64 block; /* where it belongs */
};

#define STORE_MAGIC   0x3153444c434f53ull /* "SOCLDS1" */
#define STORE_VERSION 1u

/* All places follow from the number of blocks. Its checksum begins with 0. */
struct store_super {
    struct store_head head;
    u64 magic;
    u32 version;
    u32 pad;
    u64 blocks;
    u8 uuid[16];
    u8 rest[STORE_BLOCK - 56];
};

#define STORE_ROOT_BLOCK  1u
#define STORE_OBJECTS_MAX 65535u
#define STORE_DIRS        9u

struct store_root {
    struct store_head head;
    u64 generation; /* of the commit that wrote it */
    u64 free_extents;
    u64 node_extents;
    u64 nodes; /* used, without the blocks of counts */
    u64 next_id;
    u64 objects;
    u64 dirs[STORE_DIRS]; /* blocks, or 0 */
    u8 rest[STORE_BLOCK - 64 - 8 * STORE_DIRS];
};

/* Changes of a commit: blocks and where they belong. */
#define STORE_TXN_MAX        606u
#define STORE_JOURNAL_HEADS  2u
#define STORE_JOURNAL_BLOCKS (STORE_JOURNAL_HEADS + STORE_TXN_MAX)

struct store_journal {
    struct store_head head;
    u64 generation;
    u32 count;
    u32 blocks_crc; /* of the checksums in the blocks' heads, in order */
    u32 more_crc;   /* of `target` from the second block on */
    u32 pad;
    u64 target[STORE_TXN_MAX];
    u8 rest[STORE_JOURNAL_HEADS * STORE_BLOCK - 40 - 8 * STORE_TXN_MAX];
};

/* Entries of the table. */
#define STORE_REF_NODES  0x80000000u /* an extent of nodes; the low 16 bits say which are used */
#define STORE_REF_SYSTEM 0x7fffffffu
#define STORE_REF_MAX    0x7ffffff0u /* of a data extent: pointers to it. 0: it is free */
#define STORE_TABLE_REFS 1020u

struct store_table {
    struct store_head head;
    u32 ref[STORE_TABLE_REFS];
};

struct store_node_refs {
    struct store_head head;
    u32 ref[STORE_EXTENT_BLOCKS]; /* pointers to each block of the extent; ref[0] is unused */
    u8 rest[STORE_BLOCK - 80];
};

#define STORE_FANOUT     508u
#define STORE_LEVELS_MAX 4u

/* A node of a volume's map: level 0 holds extents, others blocks of nodes; 0: nothing there. */
struct store_node {
    struct store_head head;
    u32 used; /* entries that are not 0 */
    u32 pad[3];
    u64 entry[STORE_FANOUT];
};

/* From the number of an object to its record. */
#define STORE_DIR_ENTRIES 504u
struct store_dir {
    struct store_head head;
    u64 entry[STORE_DIR_ENTRIES]; /* blocks of records, or 0 */
    u8 rest[48];
};

enum store_object_kind {
    STORE_OBJECT_NONE,
    STORE_OBJECT_VOLUME,
    STORE_OBJECT_SNAPSHOT,
    STORE_OBJECT_BLOB,
};

#define STORE_NAME_MAX    63u
#define STORE_BLOB_BLOCKS 15u
#define STORE_BLOB_BYTES  (STORE_BLOCK - 16u)
#define STORE_BLOB_MAX    (STORE_BLOB_BLOCKS * STORE_BLOB_BYTES)

struct store_record {
    u8 kind;        /* enum store_object_kind */
    u8 is_deleting; /* has no name any more, its extents are being given back */
    u8 levels;      /* of the map, also if it is empty */
    u8 pad[5];
    u64 id;
    u64 origin; /* id of what it was made of, or 0 */
    u64 created_s;
    u64 bytes;
    u64 root;   /* node, or 0 */
    u64 mapped; /* extents */
    char name[STORE_NAME_MAX + 1];
    u64 blob[STORE_BLOB_BLOCKS];
    u64 pad2;
};
_Static_assert(sizeof(struct store_record) == 248, "record");

#define STORE_RECORDS 16u
struct store_records {
    struct store_head head;
    struct store_record record[STORE_RECORDS];
    u8 rest[STORE_BLOCK - 16 - 248 * STORE_RECORDS];
};

struct store_blob {
    struct store_head head;
    u8 data[STORE_BLOB_BYTES];
};

_Static_assert(sizeof(struct store_super) == STORE_BLOCK, "superblock");
_Static_assert(sizeof(struct store_root) == STORE_BLOCK, "root record");
_Static_assert(sizeof(struct store_journal) == STORE_BLOCK * STORE_JOURNAL_HEADS, "journal head");
_Static_assert(sizeof(struct store_table) == STORE_BLOCK, "table");
_Static_assert(sizeof(struct store_node_refs) == STORE_BLOCK, "counts of nodes");
_Static_assert(sizeof(struct store_node) == STORE_BLOCK, "node");
_Static_assert(sizeof(struct store_dir) == STORE_BLOCK, "directory");
_Static_assert(sizeof(struct store_records) == STORE_BLOCK, "records");
_Static_assert(sizeof(struct store_blob) == STORE_BLOCK, "blob");

/* Where everything is in a pool of that many blocks. */
struct store_geometry {
    u64 blocks;
    u64 extents;
    u64 journal[2];
    u64 table;
    u64 table_blocks;
    u64 first_extent; /* that can be allocated */
    u64 end_extent;   /* behind the last that can be */
};

#define STORE_EXTENTS_MAX (1ull << 32) /* 256 TiB */
#define STORE_EXTENTS_MIN 16u          /* to be allocated */

/* Return: false if the pool is too small or too large. */
static inline bool store_geometry(struct store_geometry *g, u64 blocks)
{
    g->blocks = blocks;
    g->extents = blocks / STORE_EXTENT_BLOCKS;
    g->journal[0] = STORE_EXTENT_BLOCKS;
    g->journal[1] = g->journal[0] + STORE_JOURNAL_BLOCKS;
    g->table = g->journal[1] + STORE_JOURNAL_BLOCKS;
    g->table_blocks = (g->extents + STORE_TABLE_REFS - 1) / STORE_TABLE_REFS;
    g->first_extent = (g->table + g->table_blocks + STORE_EXTENT_BLOCKS - 1) / STORE_EXTENT_BLOCKS;
    g->end_extent = g->extents ? g->extents - 1 : 0;
    return g->extents <= STORE_EXTENTS_MAX && g->end_extent >= g->first_extent + STORE_EXTENTS_MIN;
}

#endif
