/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's image as the loader carries it, made by tools/hv_pack.c; pure. */
#ifndef SOCLE_BOOT_HV_UNPACK_H
#define SOCLE_BOOT_HV_UNPACK_H

#include "core/lib/types.h"

/* Its length, little endian, and its SHA-256; then one LZ4 block. */
#define HV_PACKED_SHA256 8u
#define HV_PACKED_HEADER 40u

/* More than any image will ever have, and what LZ4's int can count. */
#define HV_UNPACKED_MAX (64u << 20)

/* Return: length of the image in `packed`; 0: that is no image. */
u64 hv_unpacked_bytes(const void *packed, u64 bytes);

/* Unpacks to `image`, which has room for hv_unpacked_bytes(). Return: false if the block is
 * damaged; `image` holds anything then. */
bool hv_unpack(const void *packed, u64 bytes, void *image);

#endif
