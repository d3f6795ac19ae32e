/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit by bit: what is checked so is small and checked once. */
#include "core/lib/crc32.h"

#define POLYNOMIAL 0xedb88320u /* bits reversed */

u32 crc32(u32 crc, const void *data, size_t bytes)
{
    const u8 *at = data;

    crc = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        for (u32 bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
    }
    return ~crc;
}
