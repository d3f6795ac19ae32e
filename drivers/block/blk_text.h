/* SPDX-License-Identifier: BSD-2-Clause */
/* Text fields that disks tell of themselves: padded with blanks, not terminated, possibly garbage.
 */
#ifndef SOCLE_BLOCK_BLK_TEXT_H
#define SOCLE_BLOCK_BLK_TEXT_H

#include "core/lib/types.h"

/* Copies printable ASCII, without the blanks around it; dst is terminated. */
static inline void blk_text(char *dst, u32 size, const u8 *src, u32 bytes)
{
    u32 len = 0;

    for (u32 i = 0; i < bytes && len + 1 < size && src[i] != 0; i++) {
        if (src[i] > ' ' && src[i] < 0x7f)
            dst[len++] = (char)src[i];
        else if (len > 0)
            dst[len++] = ' ';
    }
    while (len > 0 && dst[len - 1] == ' ')
        len--;
    dst[len] = 0;
}

#endif
