/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a disk before a pool is on it: whether it is empty, and a partition table. */
#ifndef SOCLE_BLOCK_POOL_DISK_H
#define SOCLE_BLOCK_POOL_DISK_H

#include "core/lib/compiler.h"
#include "drivers/block/blk.h"

/*
 * Looks whether a part of a disk holds data: reads its first and last MiB, and 64 KiB at 64 places
 * in between. Context: task. Return: 0 and *is_blank: nothing but zeroes was found; -ENOMEM, or the
 * disk's errors.
 */
int pool_disk_look(struct blkdev *dev, u64 first_lba, u64 blocks, bool *is_blank) must_check;

/*
 * Writes a GUID partition table with one partition for a datastore, whatever was there, and has it
 * read. Nobody uses the disk. Context: task. Return: 0; -EINVAL (too small), -ENOMEM, or the disk's
 * errors.
 */
int pool_disk_partition(struct blkdev *dev, const u8 *disk_uuid, const u8 *part_uuid,
                        const char *name) must_check;

#endif
