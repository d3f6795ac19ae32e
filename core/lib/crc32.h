/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32 as in IEEE 802.3 and the GUID partition table. */
#ifndef SOCLE_LIB_CRC32_H
#define SOCLE_LIB_CRC32_H

#include "core/lib/types.h"

/* Of the bytes; `crc` is 0, or the result for the bytes before them. */
u32 crc32(u32 crc, const void *data, size_t bytes);

#endif
