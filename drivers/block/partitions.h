/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for partitions on every disk, once, after boot, and again where a table was written. */
#ifndef SOCLE_BLOCK_PARTITIONS_H
#define SOCLE_BLOCK_PARTITIONS_H

#include "core/lib/compiler.h"

/* Starts the task that reads the tables, one disk after the other; without disks it does nothing.
 * Context: boot, after drivers are probed. Return: 0, -ENOMEM. */
int partitions_start(void) must_check;

struct blkdev;

/* Reads a disk's table anew. Context: task, after the first time. Return: 0, -ENOMEM. */
int partitions_read(struct blkdev *dev) must_check;

#endif
