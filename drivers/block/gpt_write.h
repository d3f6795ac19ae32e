/* SPDX-License-Identifier: BSD-2-Clause */
/* A new GUID partition table with one partition, as bytes; gpt.h reads them. */
#ifndef SOCLE_BLOCK_GPT_WRITE_H
#define SOCLE_BLOCK_GPT_WRITE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define GPT_WRITE_BYTES_MAX (32 * KiB) /* of head or tail */

/* GUIDs in the order in which they are written. */
struct gpt_new {
    u32 block_bytes; /* 512 or 4096 */
    u64 block_count;
    const u8 *type;      /* of the partition */
    const u8 *disk_uuid; /* not all zero, as that of the partition */
    const u8 *part_uuid;
    const char *name; /* ASCII, 36 characters of it */
};

/*
 * The disk's first blocks (protective MBR, header, entries) and its last ones (entries, header),
 * each in GPT_WRITE_BYTES_MAX. The partition begins at 1 MiB and goes to the end. Return: 0;
 * -EINVAL: the disk is too small for one.
 */
int gpt_build(const struct gpt_new *gpt, u8 *head, u8 *tail) must_check;

/* Blocks of both. */
u32 gpt_head_blocks(u32 block_bytes);
u32 gpt_tail_blocks(u32 block_bytes);

#endif
