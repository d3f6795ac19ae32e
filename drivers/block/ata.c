/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds ATA commands, reads Identify data. */
#include "drivers/block/ata.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/blk_text.h"

#define TRANSFER_MAX (1u << 20)
#define FIS_WORDS    (sizeof(struct ata_fis) / 4)
#define TAG_SHIFT    3u /* where NCQ puts the tag in the count */

/* Words of IDENTIFY DEVICE. Spec: ACS-3 "IDENTIFY DEVICE data". */
#define ID_SERIAL      10u
#define ID_SERIAL_LEN  20u
#define ID_MODEL       27u
#define ID_MODEL_LEN   40u
#define ID_QUEUE       75u
#define ID_SATA        76u
#define ID_SET_2       83u
#define ID_ENABLED_1   85u
#define ID_SECTORS     100u
#define ID_SECTOR_SIZE 106u
#define ID_SECTOR_LEN  117u
#define ID_DSM         169u

#define SATA_NCQ        0x0100u
#define SATA_INVALID    0xffffu
#define SET_2_LBA48     0x0400u
#define ENABLED_CACHE   0x0020u
#define SIZE_VALID_MASK 0xc000u
#define SIZE_VALID      0x4000u
#define SIZE_LONG       0x1000u
#define DSM_TRIM        0x0001u
#define QUEUE_DEPTH     0x001fu

/* Text has its bytes swapped in each word. */
static void take_text(char *dst, u32 size, const u16 *words, u32 bytes)
{
    u8 text[ID_MODEL_LEN];

    for (u32 i = 0; i < bytes; i++)
        text[i] = (u8)(i % 2 == 0 ? words[i / 2] >> 8 : words[i / 2]);
    blk_text(dst, size, text, bytes);
}

static u32 block_bytes_of(const u16 *words)
{
    u32 len;

    if ((words[ID_SECTOR_SIZE] & SIZE_VALID_MASK) != SIZE_VALID ||
        (words[ID_SECTOR_SIZE] & SIZE_LONG) == 0)
        return ATA_SECTOR_BYTES;
    len = words[ID_SECTOR_LEN] | (u32)words[ID_SECTOR_LEN + 1] << 16;
    return len == 2048 ? 4096 : len == 256 ? 512 : 0;
}

int ata_parse_identify(struct ata_facts *out, const u16 *words)
{
    *out = (struct ata_facts){.block_bytes = block_bytes_of(words)};
    for (u32 i = 0; i < 4; i++)
        out->block_count |= (u64)words[ID_SECTORS + i] << (16 * i);
    if ((words[ID_SET_2] & SET_2_LBA48) == 0 || out->block_bytes == 0)
        return -EOPNOTSUPP;
    if (out->block_count == 0 || out->block_count >= 1ull << 48)
        return -EINVAL;
    take_text(out->model, sizeof out->model, words + ID_MODEL, ID_MODEL_LEN);
    take_text(out->serial, sizeof out->serial, words + ID_SERIAL, ID_SERIAL_LEN);
    if (words[ID_SATA] != SATA_INVALID && (words[ID_SATA] & SATA_NCQ) != 0)
        out->queue_depth = (words[ID_QUEUE] & QUEUE_DEPTH) + 1u;
    out->has_write_cache = (words[ID_ENABLED_1] & ENABLED_CACHE) != 0;
    out->can_trim = (words[ID_DSM] & DSM_TRIM) != 0;
    return 0;
}

static void put_fis(const struct ahci_slot *slot, u8 command, u64 lba, u16 features, u16 count)
{
    struct ata_fis fis = {
        .type = ATA_FIS_H2D,
        .flags = ATA_FIS_COMMAND,
        .command = command,
        .features = (u8)features,
        .features_high = (u8)(features >> 8),
        .lba0 = (u8)lba,
        .lba1 = (u8)(lba >> 8),
        .lba2 = (u8)(lba >> 16),
        .lba3 = (u8)(lba >> 24),
        .lba4 = (u8)(lba >> 32),
        .lba5 = (u8)(lba >> 40),
        .device = ATA_DEVICE_LBA,
        .count = (u8)count,
        .count_high = (u8)(count >> 8),
    };

    memset(slot->table->fis, 0, sizeof slot->table->fis);
    memcpy(slot->table->fis, &fis, sizeof fis);
}

static void put_region(const struct ahci_slot *slot, u32 i, hpa_t at, u32 bytes)
{
    slot->table->regions[i] = (struct ahci_region){.address = at.v, .bytes = bytes - 1};
}

static void put_header(const struct ahci_slot *slot, u32 regions, bool is_write)
{
    slot->header->bytes_done = 0;
    slot->header->table = slot->table_hpa.v;
    slot->header->flags = FIS_WORDS | (is_write ? AHCI_HEADER_WRITE : 0) |
                          (u32)FIELD_PREP(AHCI_HEADER_PRDTL, regions);
}

static void build_transfer(const struct ahci_slot *slot, struct blk_req *req, bool is_queued,
                           u32 tag)
{
    bool is_write = req->op == BLK_WRITE;
    struct blk_cursor at = req->rest;
    u64 lba = req->rest.lba;
    u32 bytes = 0, regions = 0, piece;
    u16 count;
    hpa_t address;

    while (regions < AHCI_REGIONS_MAX &&
           (piece = blk_cursor_take(req, &at, TRANSFER_MAX - bytes, &address)) > 0) {
        put_region(slot, regions++, address, piece);
        bytes += piece;
    }
    count = (u16)(bytes / req->dev->block_bytes);
    if (is_queued)
        put_fis(slot, is_write ? ATA_WRITE_FPDMA : ATA_READ_FPDMA, lba, count,
                (u16)(tag << TAG_SHIFT));
    else
        put_fis(slot, is_write ? ATA_WRITE_EXT : ATA_READ_EXT, lba, 0, count);
    put_header(slot, regions, is_write);
    blk_advance(req, bytes);
}

/* Spec: ACS-3 "DATA SET MANAGEMENT", "LBA Range Entry": 48 bits of address, 16 of length. */
static void build_trim(const struct ahci_slot *slot, struct blk_req *req, u64 *trim, hpa_t trim_hpa)
{
    memset(trim, 0, ATA_SECTOR_BYTES); /* entries of no length mean nothing */
    for (u32 i = 0; i < ATA_TRIM_ENTRIES && req->rest.blocks > 0; i++) {
        u32 blocks = MIN(req->rest.blocks, ATA_TRIM_BLOCKS);

        trim[i] = req->rest.lba | (u64)blocks << 48;
        blk_advance_blocks(req, blocks);
    }
    put_region(slot, 0, trim_hpa, ATA_SECTOR_BYTES);
    put_fis(slot, ATA_DSM, 0, ATA_DSM_TRIM, 1);
    put_header(slot, 1, true);
}

void ata_build(const struct ahci_slot *slot, struct blk_req *req, bool is_queued, u32 tag,
               u64 *trim, hpa_t trim_hpa)
{
    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE:
        build_transfer(slot, req, is_queued, tag);
        break;
    case BLK_DISCARD:
        build_trim(slot, req, trim, trim_hpa);
        break;
    case BLK_FLUSH:
    case BLK_WRITE_ZEROES:
    case BLK_OP_COUNT:
        put_fis(slot, ATA_FLUSH_EXT, 0, 0, 0);
        put_header(slot, 0, false);
        break;
    }
}

void ata_build_internal(const struct ahci_slot *slot, u8 command, u64 lba, u16 count, hpa_t data)
{
    put_region(slot, 0, data, ATA_SECTOR_BYTES);
    put_fis(slot, command, lba, 0, count);
    put_header(slot, command == ATA_STANDBY ? 0 : 1, false);
}
