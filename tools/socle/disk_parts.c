/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables. Spec: UEFI "GUID Partition Table (GPT) Disk Layout", "Legacy Master Boot
 * Record (MBR)". What lies outside of the disk is left out. */
#include "tools/socle/disk_parts.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define SECTOR 512u

struct gpt_header {
    char signature[8];
    u32 revision, header_bytes, header_crc, reserved;
    u64 here, backup, first, last;
    u8 disk[16];
    u64 table;
    u32 entries, entry_bytes;
} __attribute__((packed));

struct gpt_entry {
    u8 type[16], guid[16];
    u64 first, last, flags;
    u16 name[36];
} __attribute__((packed));

struct mbr {
    u8 code[440];
    u32 disk;
    u16 reserved;
    struct {
        u8 status, first_chs[3], type, last_chs[3];
        u32 first, sectors;
    } __attribute__((packed)) parts[4];
    u16 signature;
} __attribute__((packed));
_Static_assert(sizeof(struct mbr) == SECTOR, "master boot record");

#define MBR_SIGNATURE 0xaa55u

/* Return: false if it is not within the disk. */
static bool place(const struct volume_reader *disk, struct disk_part *part, u64 first, u64 sectors)
{
    u64 all = volume_reader_bytes(disk) / SECTOR;

    if (first == 0 || sectors == 0 || first > all || sectors > all - first)
        return false;
    part->offset = first * SECTOR;
    part->bytes = sectors * SECTOR;
    return true;
}

/* The first three fields of a GUID are little-endian. */
static void write_guid(char *out, size_t room, const u8 *g)
{
    snprintf(out, room,
             "PARTUUID=%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[3],
             g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13],
             g[14], g[15]);
}

static int read_gpt(struct volume_reader *disk, const struct gpt_header *header,
                    struct disk_part parts[DISK_PARTS_MAX])
{
    static const u8 nothing[16];
    u64 at = le64toh(header->table) * SECTOR;
    u32 entries = le32toh(header->entries), size = le32toh(header->entry_bytes);
    int count = 0;

    if (size < sizeof(struct gpt_entry) || size > 4096 || at > volume_reader_bytes(disk))
        return 0;
    for (u32 i = 0; i < entries && i < DISK_PARTS_MAX; i++) {
        struct gpt_entry entry;
        u64 first, last;

        if (at + (u64)i * size + sizeof(entry) > volume_reader_bytes(disk))
            break;
        if (!volume_read(disk, at + (u64)i * size, &entry, sizeof(entry)))
            return -1;
        first = le64toh(entry.first);
        last = le64toh(entry.last);
        if (memcmp(entry.type, nothing, sizeof(nothing)) == 0 || last < first ||
            last == UINT64_MAX || !place(disk, &parts[count], first, last - first + 1))
            continue;
        write_guid(parts[count].root, sizeof(parts[count].root), entry.guid);
        count++;
    }
    return count;
}

static int read_mbr(const struct volume_reader *disk, const struct mbr *mbr,
                    struct disk_part parts[DISK_PARTS_MAX])
{
    int count = 0;

    for (u32 i = 0; le16toh(mbr->signature) == MBR_SIGNATURE && i < 4; i++) {
        if (mbr->parts[i].type == 0 || !place(disk, &parts[count], le32toh(mbr->parts[i].first),
                                              le32toh(mbr->parts[i].sectors)))
            continue;
        snprintf(parts[count].root, sizeof(parts[count].root), "PARTUUID=%08x-%02x",
                 le32toh(mbr->disk), i + 1);
        count++;
    }
    return count;
}

int disk_parts_read(struct volume_reader *disk, struct disk_part parts[DISK_PARTS_MAX])
{
    struct {
        struct mbr mbr;
        struct gpt_header gpt;
    } head;
    int count;

    if (volume_reader_bytes(disk) < 2 * SECTOR)
        return 0;
    if (!volume_read(disk, 0, &head, sizeof(head)))
        return -1;
    count = memcmp(head.gpt.signature, "EFI PART", 8) == 0 ? read_gpt(disk, &head.gpt, parts)
                                                           : read_mbr(disk, &head.mbr, parts);
    if (count == 0) {
        parts[0] = (struct disk_part){.bytes = volume_reader_bytes(disk), .root = "/dev/vda"};
        count = 1;
    }
    return count;
}
