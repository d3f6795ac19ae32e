/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes partition tables. Spec: UEFI "GPT Header", "GPT Partition Entry Array", "Protective MBR".
 */
#include "drivers/block/gpt_write.h"

#include "core/lib/crc32.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/gpt.h"
#include "drivers/block/gpt_disk.h"

#define ENTRY_BYTES   128u
#define ENTRIES_BYTES (GPT_ENTRIES_MAX * ENTRY_BYTES)
#define FIRST_BYTE    MiB

/* Of the protective MBR: one partition, of the type that says "GPT". */
#define MBR_ENTRY     446u
#define MBR_TYPE_GPT  0xeeu
#define MBR_SIGNATURE 510u

static u32 entries_blocks(u32 block_bytes)
{
    return ENTRIES_BYTES / block_bytes;
}

u32 gpt_head_blocks(u32 block_bytes)
{
    return 2 + entries_blocks(block_bytes);
}

u32 gpt_tail_blocks(u32 block_bytes)
{
    return 1 + entries_blocks(block_bytes);
}

static void put_u32(u8 *at, u32 value)
{
    memcpy(at, &value, sizeof(value));
}

/* Spec: UEFI "Protective MBR": the whole disk, or as much as 32 bits can say. */
static void put_mbr(const struct gpt_new *gpt, u8 *block)
{
    u8 *entry = block + MBR_ENTRY;

    entry[2] = 0x02; /* CHS of the second sector */
    entry[4] = MBR_TYPE_GPT;
    entry[5] = entry[6] = entry[7] = 0xff;
    put_u32(entry + 8, 1);
    put_u32(entry + 12, (u32)MIN(gpt->block_count - 1, 0xffffffffull));
    block[MBR_SIGNATURE] = 0x55;
    block[MBR_SIGNATURE + 1] = 0xaa;
}

static void put_entries(const struct gpt_new *gpt, u64 last_lba, u8 *entries)
{
    struct gpt_disk_entry entry = {.first_lba = FIRST_BYTE / gpt->block_bytes,
                                   .last_lba = last_lba};

    gpt_guid_swap(entry.type, gpt->type);
    gpt_guid_swap(entry.uuid, gpt->part_uuid);
    for (u32 i = 0; i < GPT_NAME_UNITS && gpt->name[i]; i++)
        entry.name[i] = (u8)gpt->name[i];
    memset(entries, 0, ENTRIES_BYTES);
    memcpy(entries, &entry, sizeof(entry));
}

static void put_header(const struct gpt_new *gpt, u64 lba, u64 other, u64 entries_lba,
                       const u8 *entries, u8 *block)
{
    struct gpt_disk_header header = {
        .signature = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'},
        .revision = 0x00010000,
        .header_bytes = sizeof(header),
        .my_lba = lba,
        .alternate_lba = other,
        .first_usable_lba = gpt_head_blocks(gpt->block_bytes),
        .last_usable_lba = gpt->block_count - gpt_tail_blocks(gpt->block_bytes) - 1,
        .entries_lba = entries_lba,
        .entry_count = GPT_ENTRIES_MAX,
        .entry_bytes = ENTRY_BYTES,
        .entries_crc = crc32(0, entries, ENTRIES_BYTES),
    };

    gpt_guid_swap(header.disk_guid, gpt->disk_uuid);
    header.header_crc = crc32(0, &header, sizeof(header));
    memset(block, 0, gpt->block_bytes);
    memcpy(block, &header, sizeof(header));
}

int gpt_build(const struct gpt_new *gpt, u8 *head, u8 *tail)
{
    u32 block = gpt->block_bytes;
    u64 last = gpt->block_count - 1, tail_lba = gpt->block_count - gpt_tail_blocks(block);
    u8 *entries = head + (u64)GPT_HEADER_LBA * block + block;

    if (gpt->block_count * block < 4 * FIRST_BYTE)
        return -EINVAL;
    memset(head, 0, block);
    put_mbr(gpt, head);
    put_entries(gpt, tail_lba - 1, entries);
    put_header(gpt, GPT_HEADER_LBA, last, GPT_HEADER_LBA + 1, entries, head + block);
    memcpy(tail, entries, ENTRIES_BYTES);
    put_header(gpt, last, GPT_HEADER_LBA, tail_lba, entries, tail + ENTRIES_BYTES);
    return 0;
}
