/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables as they lie on the disk. Spec: UEFI "GUID Partition Table (GPT) Disk Layout". */
#ifndef SOCLE_BLOCK_GPT_DISK_H
#define SOCLE_BLOCK_GPT_DISK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

struct gpt_disk_header {
    char signature[8];
    u32 revision;
    u32 header_bytes;
    u32 header_crc;
    u32 reserved;
    u64 my_lba;
    u64 alternate_lba;
    u64 first_usable_lba;
    u64 last_usable_lba;
    u8 disk_guid[16];
    u64 entries_lba;
    u32 entry_count;
    u32 entry_bytes;
    u32 entries_crc;
} packed;
_Static_assert(sizeof(struct gpt_disk_header) == 92, "GPT header");

#define GPT_NAME_UNITS 36u

struct gpt_disk_entry {
    u8 type[16];
    u8 uuid[16];
    u64 first_lba;
    u64 last_lba;
    u64 attributes;
    u16 name[GPT_NAME_UNITS];
} packed;
_Static_assert(sizeof(struct gpt_disk_entry) == 128, "GPT entry");

/* The first three fields of a GUID are little-endian on disk. */
static inline void gpt_guid_swap(u8 *out, const u8 *in)
{
    static const u8 order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

    for (u32 i = 0; i < 16; i++)
        out[i] = in[order[i]];
}

#endif
