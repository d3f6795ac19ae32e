/* SPDX-License-Identifier: BSD-2-Clause */
/* UUIDs and their text form. */
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/vmm.h"

#define UUID_BYTES 16u
#define UUID_CHARS 36u

/* True where the text form has a hyphen before this byte. */
static bool hyphen_before(u32 byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void vmm_uuid_format(const u8 uuid[16], char text[37])
{
    char *to = text;

    for (u32 i = 0; i < UUID_BYTES; i++) {
        if (hyphen_before(i))
            *to++ = '-';
        to += ksnprintf(to, 3, "%02x", uuid[i]);
    }
}

/* Return: 0–15, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int vmm_uuid_parse(const char *text, u8 uuid[16])
{
    if (strnlen(text, UUID_CHARS + 1) != UUID_CHARS)
        return -EINVAL;
    for (u32 i = 0; i < UUID_BYTES; i++) {
        int high;
        int low;

        if (hyphen_before(i) && *text++ != '-')
            return -EINVAL;
        high = hex_digit(*text++);
        low = hex_digit(*text++);
        if (high < 0 || low < 0)
            return -EINVAL;
        uuid[i] = (u8)(high << 4 | low);
    }
    return 0;
}

bool vmm_uuid_is_zero(const u8 uuid[16])
{
    u8 sum = 0;

    for (u32 i = 0; i < 16; i++)
        sum |= uuid[i];
    return sum == 0;
}
