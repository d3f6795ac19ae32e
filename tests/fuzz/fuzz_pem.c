/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/tls/pem.c core/lib/base64.c core/lib/str.c */
/* Any text as PEM, into a buffer of any size: the reader ends, and stays inside both. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/tls/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = size ? data[0] : 0;
    char *text = malloc(size + 1);
    u8 *dst = malloc(room + 1);
    struct pem_block block;
    const char *at = text;

    memcpy(text, data, size);
    text[size] = '\0';
    for (const char *last = at; pem_next(&at, &block, dst, room) == 0; last = at) {
        if (block.bytes == 0 || block.bytes > room || at > text + size || at <= last)
            abort();
    }
    free(dst);
    free(text);
    return 0;
}
