/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes that are a partition of a host's disk, or all of it: requests go to the disk as they are,
 * with no copy. Two volumes never have a block in common.
 */
#ifndef SOCLE_BLOCK_VOLUME_DISK_H
#define SOCLE_BLOCK_VOLUME_DISK_H

#include "core/lib/compiler.h"
#include "drivers/block/volume.h"

struct volume_disk_source {
    struct blkdev *disk;
    u32 partition;   /* its number; 0: the whole disk */
    bool allow_boot; /* also what firmware may boot from: an EFI system partition, a disk with one,
                        or one with a boot sector and no GPT */
    bool is_read_only;
};

/*
 * Context: management task. Return: 0; -EAGAIN (the disk's partition table has not been read yet),
 * -ENOENT (no such partition), -EPERM (allow_boot is needed), -EBUSY (another volume has blocks of
 * it), -ENOMEM.
 */
int volume_disk_create(const char *name, const struct volume_disk_source *source,
                       struct volume **out) must_check;

/* What a volume is made of. Return: false if it is no volume of this kind. */
bool volume_disk_source(struct volume *volume, struct volume_disk_source *out);

#endif
