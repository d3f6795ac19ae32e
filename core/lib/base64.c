/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64, written and read. */
#include "core/lib/base64.h"

int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void base64_write(char *dst, const u8 *src, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        u32 group = (u32)src[i] << 16 | (left > 1 ? (u32)src[i + 1] << 8 : 0) |
                    (left > 2 ? (u32)src[i + 2] : 0);

        *dst++ = digits[group >> 18];
        *dst++ = digits[group >> 12 & 63];
        *dst++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *dst++ = left > 2 ? digits[group & 63] : '=';
    }
    *dst = '\0';
}

size_t base64_read(u8 *dst, size_t size, const char **text)
{
    u32 bits = 0, count = 0;
    size_t bytes = 0;

    for (; base64_digit(**text) >= 0; ++*text) {
        bits = bits << 6 | (u32)base64_digit(**text);
        count += 6;
        if (count < 8)
            continue;
        if (bytes == size)
            break;
        count -= 8;
        dst[bytes++] = (u8)(bits >> count);
    }
    return bytes;
}
