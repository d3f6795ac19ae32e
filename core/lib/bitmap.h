/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits in an array of bytes, lowest bit first. */
#ifndef SOCLE_LIB_BITMAP_H
#define SOCLE_LIB_BITMAP_H

#include "core/lib/types.h"

static inline void bitmap_put(u8 *map, u32 bit, bool value)
{
    u8 mask = (u8)(1u << (bit % 8));

    if (value)
        map[bit / 8] |= mask;
    else
        map[bit / 8] &= (u8)~mask;
}

#endif
