/* SPDX-License-Identifier: BSD-2-Clause */
/* Hexadecimal digits, written and read. */
#include "core/lib/hex.h"

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *hex_write(char *dst, const u8 *src, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes; i++) {
        *dst++ = digits[src[i] >> 4];
        *dst++ = digits[src[i] & 15];
    }
    *dst = '\0';
    return dst;
}

const char *hex_read(u8 *dst, size_t bytes, const char *text)
{
    for (size_t i = 0; i < bytes; i++, text += 2) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]); /* not behind the text's end */

        if (low < 0)
            return NULL;
        dst[i] = (u8)(high << 4 | low);
    }
    return text;
}

bool hex_read_all(u8 *dst, size_t bytes, const char *text)
{
    const char *end = hex_read(dst, bytes, text);

    return end && *end == '\0';
}

bool hex_read_small(u8 *dst, size_t bytes, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c >= 'A' && *c <= 'F')
            return false;
    }
    return hex_read_all(dst, bytes, text);
}
