/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is there or ends the program, text made by formats, and buffers that grow. */
#ifndef SOCLE_CLI_MEM_H
#define SOCLE_CLI_MEM_H

#include <stddef.h>
#include <stdlib.h>

/* As realloc; ends the program where there is no memory. */
void *mem_resize(void *old, size_t bytes);

/* Formatted text, for the caller to free. */
char *mem_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes, always with a NUL behind them once something was added. */
struct buffer {
    char *data;
    size_t len, room;
};

void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_print(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
