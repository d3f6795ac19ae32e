/* SPDX-License-Identifier: BSD-2-Clause */
/* NBD's numbers as they are sent: big-endian. Private to nbd*.c. */
#ifndef SOCLE_MGMT_NBD_WIRE_H
#define SOCLE_MGMT_NBD_WIRE_H

#include "core/lib/types.h"

static inline u64 nbd_get(const u8 *from, u32 bytes)
{
    u64 value = 0;

    for (u32 i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* Return: the place behind it. */
static inline u8 *nbd_put(u8 *to, u64 value, u32 bytes)
{
    for (u32 i = bytes; i > 0; i--)
        *to++ = (u8)(value >> (8 * (i - 1)));
    return to;
}

#endif
