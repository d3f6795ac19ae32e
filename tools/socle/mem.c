/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is there or ends the program. */
#include "tools/socle/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/socle/command.h"

void *mem_resize(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);

    if (!memory) {
        fputs("socle: out of memory\n", stderr);
        exit(MISUSED);
    }
    return memory;
}

/* Runs through the values twice: for the length, and for the text. */
static char *format_text(const char *format, va_list values)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, values);
    len = vsnprintf(NULL, 0, format, values);
    text = mem_resize(NULL, len < 0 ? 1 : (size_t)len + 1);
    text[0] = '\0';
    vsnprintf(text, len < 0 ? 1 : (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *mem_text(const char *format, ...)
{
    va_list values;
    char *text;

    va_start(values, format);
    text = format_text(format, values);
    va_end(values);
    return text;
}

void buffer_add(struct buffer *b, const void *data, size_t len)
{
    if (b->room - b->len <= len) {
        b->room = b->len + len + 1 > 2 * b->room ? b->len + len + 1 : 2 * b->room;
        b->data = mem_resize(b->data, b->room);
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buffer_print(struct buffer *b, const char *format, ...)
{
    va_list values;
    char *text;

    va_start(values, format);
    text = format_text(format, values);
    va_end(values);
    buffer_add(b, text, strlen(text));
    free(text);
}
