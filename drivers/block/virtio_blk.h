/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtio block devices: registers and requests. Spec: Virtio 1.2 "Block Device". */
#ifndef SOCLE_BLOCK_VIRTIO_BLK_H
#define SOCLE_BLOCK_VIRTIO_BLK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define VIRTIO_BLK_F_SIZE_MAX     BIT(1)
#define VIRTIO_BLK_F_SEG_MAX      BIT(2)
#define VIRTIO_BLK_F_RO           BIT(5)
#define VIRTIO_BLK_F_BLK_SIZE     BIT(6)
#define VIRTIO_BLK_F_FLUSH        BIT(9)
#define VIRTIO_BLK_F_DISCARD      BIT(13)
#define VIRTIO_BLK_F_WRITE_ZEROES BIT(14)

/* Offsets in the configuration. */
#define VIRTIO_BLK_CAPACITY    0u
#define VIRTIO_BLK_SIZE_MAX    8u
#define VIRTIO_BLK_SEG_MAX     12u
#define VIRTIO_BLK_BLK_SIZE    20u
#define VIRTIO_BLK_DISCARD_MAX 36u
#define VIRTIO_BLK_ZEROES_MAX  48u

#define VIRTIO_BLK_T_IN           0u
#define VIRTIO_BLK_T_OUT          1u
#define VIRTIO_BLK_T_FLUSH        4u
#define VIRTIO_BLK_T_GET_ID       8u
#define VIRTIO_BLK_T_DISCARD      11u
#define VIRTIO_BLK_T_WRITE_ZEROES 13u

#define VIRTIO_BLK_S_OK     0u
#define VIRTIO_BLK_SECTOR   512u /* units of addresses, whatever the block size */
#define VIRTIO_BLK_ID_BYTES 20u

struct virtio_blk_header {
    u32 type;
    u32 reserved;
    u64 sector;
};

struct virtio_blk_range {
    u64 sector;
    u32 sectors;
    u32 flags;
};

/* What a command has besides its data; in memory the device reaches. */
struct virtio_blk_cmd {
    struct virtio_blk_header header;
    struct virtio_blk_range range;
    u8 id[VIRTIO_BLK_ID_BYTES];
    volatile u8 status; /* the device writes it */
    u8 pad[11];
};
_Static_assert(sizeof(struct virtio_blk_cmd) == 64, "a command's own memory");

#endif
