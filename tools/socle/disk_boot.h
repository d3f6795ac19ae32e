/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel and initrd of the system that a disk holds, as its boot loader would find them: VMs have
 * no firmware that could run that.
 *
 * The disk may be anybody's: its file systems are read by libext2fs, without writing a byte.
 */
#ifndef SOCLE_CLI_DISK_BOOT_H
#define SOCLE_CLI_DISK_BOOT_H

#include "tools/socle/volume_read.h"

struct disk_boot {
    char kernel[32], initrd[32]; /* temporary files; "" is none */
    char root[64];               /* for root=; "" if no root file system was found */
};

/*
 * Looks through ext2, ext3 and ext4 for /vmlinuz, /boot/vmlinuz, or the newest vmlinuz-* in /boot
 * or at the top, and the initrd of the same version. Return: DONE; REFUSED or NOT_REACHED after
 * telling why not. disk_boot_end() in any case.
 */
enum outcome disk_boot_find(struct volume_reader *disk, struct disk_boot *out);

/* Removes the temporary files. */
void disk_boot_end(struct disk_boot *boot);

#endif
