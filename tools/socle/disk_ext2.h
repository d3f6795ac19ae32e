/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of a volume on the host as libext2fs reads file systems. */
#ifndef SOCLE_CLI_DISK_EXT2_H
#define SOCLE_CLI_DISK_EXT2_H

#include <ext2fs/ext2fs.h>

#include "tools/socle/disk_parts.h"

/* Return: NULL if there is no file system of that family. To be closed with ext2fs_close(). */
ext2_filsys disk_ext2_open(struct volume_reader *disk, const struct disk_part *part);

#endif
