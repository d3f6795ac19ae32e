/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines out of a stream of bytes. */
#ifndef SOCLE_CLI_LINES_H
#define SOCLE_CLI_LINES_H

#include <stdbool.h>

#include "tools/socle/mem.h"

#define LINE_BYTES_MAX 65536u

struct lines {
    void (*line)(void *context, const char *line,
                 size_t len); /* without its end; a NUL is behind it */
    void *context;
    struct buffer rest;
};

/* Return: false if a line is longer than LINE_BYTES_MAX. */
bool lines_take(struct lines *lines, const char *data, size_t len);
/* Frees what is left of an unfinished line. */
void lines_end(struct lines *lines);

#endif
