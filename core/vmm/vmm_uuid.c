/* SPDX-License-Identifier: BSD-2-Clause */
/* UUIDs and their text form. */
#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "core/vmm/vmm.h"

#define UUID_CHARS 36u

/* The bytes between hyphens. */
static const u8 groups[] = {4, 2, 2, 2, 6};

void vmm_uuid_format(const u8 uuid[16], char text[37])
{
    for (u32 i = 0; i < ARRAY_SIZE(groups); i++) {
        if (i > 0)
            *text++ = '-';
        text = hex_write(text, uuid, groups[i]);
        uuid += groups[i];
    }
}

int vmm_uuid_parse(const char *text, u8 uuid[16])
{
    if (strnlen(text, UUID_CHARS + 1) != UUID_CHARS)
        return -EINVAL;
    for (u32 i = 0; i < ARRAY_SIZE(groups); i++) {
        if (i > 0 && *text++ != '-')
            return -EINVAL;
        text = hex_read(uuid, groups[i], text);
        if (!text)
            return -EINVAL;
        uuid += groups[i];
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
