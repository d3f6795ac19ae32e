/* SPDX-License-Identifier: BSD-2-Clause */
/* Percent-encoding, queries, media types and status names. */
#include "core/lib/compiler.h"
#include "core/lib/errno.h"
#include "core/lib/hex.h"
#include "core/lib/string.h"
#include "mgmt/http/http.h"

int http_decode(const char *text, size_t len, bool plus_is_space, char *dst, size_t size)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            u8 byte;

            if (len - i <= 2 || !hex_read(&byte, 1, text + i + 1))
                return -EINVAL;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return -EINVAL;
        if (out + 1 >= size)
            return -ERANGE;
        dst[out++] = c;
    }
    if (size == 0)
        return -ERANGE;
    dst[out] = '\0';
    return 0;
}

static const char *find_any(const char *s, char a, char b)
{
    while (*s && *s != a && *s != b)
        s++;
    return s;
}

int http_query_next(const struct http_stream *http, const char **cursor, char *name,
                    size_t name_size, char *value, size_t value_size)
{
    const char *at = *cursor ? *cursor : http->query;
    const char *equals;
    const char *end;

    while (*at == '&')
        at++;
    if (*at == '\0')
        return -ENODATA;
    equals = find_any(at, '=', '&');
    end = find_any(at, '&', '&');
    if (http_decode(at, (size_t)(equals - at), true, name, name_size))
        return -EINVAL;
    if (*equals == '=')
        equals++;
    if (http_decode(equals, (size_t)(end - equals), true, value, value_size))
        return -EINVAL;
    *cursor = end;
    return 0;
}

const char *http_status_name(u16 status)
{
    return http_status_str((enum http_status)status);
}

bool http_type_is_json(const char *type)
{
    static const char *const accepted[] = {
        "application/json", "application/merge-patch+json",
        "application/x-www-form-urlencoded", /* what curl -d says of any body */
    };

    for (u32 i = 0; type && i < ARRAY_SIZE(accepted); i++) {
        size_t len = strlen(accepted[i]);

        if (strncmp(type, accepted[i], len) == 0 && (type[len] == '\0' || type[len] == ';'))
            return true;
    }
    return type == NULL;
}
