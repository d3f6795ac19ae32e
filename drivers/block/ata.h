/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ATA commands in AHCI's memory, and what ATA disks say of themselves. Pure: no register is
 * touched; the device's data is bounded here.
 */
#ifndef SOCLE_BLOCK_ATA_H
#define SOCLE_BLOCK_ATA_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/ahci_regs.h"
#include "drivers/block/blk.h"

struct ata_facts {
    char model[BLK_MODEL_MAX];
    char serial[BLK_SERIAL_MAX];
    u64 block_count;
    u32 block_bytes;
    u32 queue_depth; /* of NCQ; 0: the disk has none */
    bool has_write_cache;
    bool can_trim;
};

/* words: what IDENTIFY DEVICE gives. Return: 0; -EOPNOTSUPP (no 48-bit addresses, blocks of another
 * size than 512 or 4096 bytes), -EINVAL (nonsense). */
int ata_parse_identify(struct ata_facts *out, const u16 *words) must_check;

/* A command slot's memory. */
struct ahci_slot {
    volatile struct ahci_header *header;
    struct ahci_table *table;
    hpa_t table_hpa;
};

/*
 * Makes the command for the request's rest, or for as much of it as one command can, and moves the
 * rest on. trim: ATA_SECTOR_BYTES for the ranges of a discard. is_queued: by NCQ, under that tag.
 */
void ata_build(const struct ahci_slot *slot, struct blk_req *req, bool is_queued, u32 tag,
               u64 *trim, hpa_t trim_hpa);

/* A command of the driver's own that reads one sector into `data`; lba and count as it wants them.
 */
void ata_build_internal(const struct ahci_slot *slot, u8 command, u64 lba, u16 count, hpa_t data);

#endif
