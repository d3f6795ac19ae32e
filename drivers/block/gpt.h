/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GUID partition tables. Pure parsers: what a disk holds is not trusted, and bounded here.
 * Spec: UEFI "GUID Partition Table (GPT) Disk Layout".
 */
#ifndef SOCLE_BLOCK_GPT_H
#define SOCLE_BLOCK_GPT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define GPT_HEADER_LBA 1u

/* As many as all common tools make; a table for more is taken as damaged. */
#define GPT_ENTRIES_MAX       128u
#define GPT_ENTRIES_BYTES_MAX (64 * KiB)

#define GPT_NAME_MAX 109u /* 36 characters of UTF-16 as UTF-8 */

enum gpt_state {
    GPT_NONE,       /* no table */
    GPT_GOOD,       /* the first table is good */
    GPT_BACKUP,     /* only the one at the disk's end is */
    GPT_DAMAGED,    /* neither is */
    GPT_UNREADABLE, /* the disk reported errors */
};

struct gpt_partition {
    u32 number;  /* from 1 on */
    u8 type[16]; /* GUIDs in the order in which they are written */
    u8 uuid[16];
    u64 first_lba;
    u64 blocks;
    char name[GPT_NAME_MAX]; /* UTF-8, if the disk holds valid UTF-16 */
};

struct gpt {
    enum gpt_state state;
    bool has_boot_sector; /* the first block has a boot sector's signature, as beside a GPT, too */
    u32 count;
    u32 bad_count; /* entries that lie outside or overlap an earlier one: left out */
    struct gpt_partition parts[];
};

/* Where the entries are, from a header whose checksum is right. */
struct gpt_header {
    u64 entries_lba;
    u64 first_usable_lba, last_usable_lba;
    u32 entry_count, entry_bytes, entries_crc;
};

/*
 * block: the disk's block `lba`, read whole. Return: 0; -ENOENT (no header here), -EINVAL (one that
 * is damaged or makes no sense on a disk of block_count blocks).
 */
int gpt_parse_header(struct gpt_header *out, const u8 *block, u32 block_bytes, u64 lba,
                     u64 block_count) must_check;

/* Bytes of the array of entries. At most GPT_ENTRIES_BYTES_MAX. */
u32 gpt_entries_bytes(const struct gpt_header *header);

/*
 * Reads the entries into out->parts, which has room for GPT_ENTRIES_MAX, and sets the counts.
 * Return: 0; -EINVAL (the checksum is wrong).
 */
int gpt_parse_entries(struct gpt *out, const struct gpt_header *header,
                      const u8 *entries) must_check;

const char *gpt_state_name(enum gpt_state state);

#endif
