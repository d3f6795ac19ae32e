/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8, one character at a time (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
#ifndef SOCLE_MGMT_UTF8_H
#define SOCLE_MGMT_UTF8_H

#include "core/lib/types.h"

/* Return: bytes of the character that begins at s (1–4), or 0 if there is none within len bytes. */
static inline size_t utf8_char_bytes(const char *s, size_t len)
{
    const u8 *b = (const u8 *)s;
    u8 low = 0x80, high = 0xbf;
    size_t bytes;

    if (len == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2 || b[0] > 0xf4)
        return 0;
    bytes = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (len < bytes)
        return 0;
    if (b[0] == 0xe0)
        low = 0xa0;
    if (b[0] == 0xed)
        high = 0x9f;
    if (b[0] == 0xf0)
        low = 0x90;
    if (b[0] == 0xf4)
        high = 0x8f;
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < bytes; i++) {
        if (b[i] < 0x80 || b[i] > 0xbf)
            return 0;
    }
    return bytes;
}

/* Writes the character's bytes. Return: how many (1–4). */
static inline size_t utf8_encode(u32 c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

#endif
