/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines out of a stream of bytes. */
#include "tools/socle/lines.h"

#include <string.h>

bool lines_take(struct lines *lines, const char *data, size_t len)
{
    while (len) {
        const char *end = memchr(data, '\n', len);
        size_t part = end ? (size_t)(end - data) : len;

        if (lines->rest.len + part > LINE_BYTES_MAX)
            return false;
        buffer_add(&lines->rest, data, part);
        if (!end)
            return true;
        if (lines->rest.len)
            lines->line(lines->context, lines->rest.data, lines->rest.len);
        lines->rest.len = 0;
        data += part + 1;
        len -= part + 1;
    }
    return true;
}

void lines_end(struct lines *lines)
{
    free(lines->rest.data);
    lines->rest = (struct buffer){0};
}
