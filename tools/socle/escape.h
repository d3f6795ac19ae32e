/* SPDX-License-Identifier: BSD-2-Clause */
/* "~." at the beginning of a line leaves a console. */
#ifndef SOCLE_CLI_ESCAPE_H
#define SOCLE_CLI_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct escape {
    bool is_inside; /* a line has begun */
    bool has_tilde; /* held back: what follows decides */
};

/* Takes `len` typed bytes and writes those meant for the guest, at most len + 1. "~~" at a line's
 * beginning is "~". Return: false at "~."; what was typed before it has been written. */
bool escape_filter(struct escape *e, const char *in, size_t len, char *out, size_t *out_len);

#endif
