/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the partitions of a disk are, and what Linux calls them. */
#ifndef SOCLE_CLI_DISK_PARTS_H
#define SOCLE_CLI_DISK_PARTS_H

#include "tools/socle/volume_read.h"

#define DISK_PARTS_MAX 128u

struct disk_part {
    u64 offset, bytes;
    char root[64]; /* for root=: "PARTUUID=…", or "/dev/vda" of a disk without partitions */
};

/* The partitions, of GPT or MBR; of a disk that has none, the disk itself. Return: their number; -1
 * after telling why the disk cannot be read. */
int disk_parts_read(struct volume_reader *disk, struct disk_part parts[DISK_PARTS_MAX]);

#endif
