/* SPDX-License-Identifier: BSD-2-Clause */
/* "~." at the beginning of a line. */
#include "tools/socle/escape.h"

bool escape_filter(struct escape *e, const char *in, size_t len, char *out, size_t *out_len)
{
    *out_len = 0;
    for (size_t i = 0; i < len; i++) {
        char c = in[i];

        if (!e->is_inside && !e->has_tilde && c == '~') {
            e->has_tilde = true;
            continue;
        }
        if (e->has_tilde) {
            e->has_tilde = false;
            if (c == '.')
                return false;
            out[(*out_len)++] = '~';
            if (c == '~') {
                e->is_inside = true;
                continue;
            }
        }
        out[(*out_len)++] = c;
        e->is_inside = c != '\r' && c != '\n';
    }
    return true;
}
