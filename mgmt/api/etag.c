/* SPDX-License-Identifier: BSD-2-Clause */
/* Entity tags: made, and found in a header's list. */
#include "mgmt/api/etag.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"

/* FNV-1a. Nobody gains by a collision: who can make one may change the resource anyway. */
u64 etag_digest(const void *data, size_t len)
{
    const u8 *bytes = data;
    u64 hash = 0xcbf29ce484222325ull;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash ? hash : 1;
}

const char *etag_text(u64 etag, char dst[ETAG_TEXT_MAX])
{
    ksnprintf(dst, ETAG_TEXT_MAX, "\"%llx\"", (unsigned long long)etag);
    return dst;
}

static const char *skip(const char *at, const char *set)
{
    while (*at && strchr(set, *at))
        at++;
    return at;
}

bool etag_listed(const char *list, u64 etag, bool takes_weak)
{
    char tag[ETAG_TEXT_MAX];
    size_t len = strlen(etag_text(etag, tag));
    const char *at = skip(list, " \t");

    if (at[0] == '*' && *skip(at + 1, " \t") == '\0')
        return true;
    for (at = skip(at, " \t,"); *at; at = skip(at, " \t,")) {
        bool is_weak = strncmp(at, "W/", 2) == 0;
        const char *start = at + (is_weak ? 2 : 0);
        const char *end = *start == '"' ? strchr(start + 1, '"') : NULL;

        if (!end)
            return false;
        at = end + 1;
        if (etag != 0 && (takes_weak || !is_weak) && (size_t)(at - start) == len &&
            memcmp(start, tag, len) == 0)
            return true;
    }
    return false;
}
