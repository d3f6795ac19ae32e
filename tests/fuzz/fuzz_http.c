/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/http.c mgmt/http/http_text.c core/lib/hex.c
 * build/deps/http-parser/http_parser.c */
/*
 * Any bytes, whole and byte by byte: no request may be read in two ways, so the two give the same
 * events.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mgmt/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned heads, ends, bad;
    size_t body_bytes;
};

static struct http_stream http;

/* Looks up what a handler would. */
static void look_at_head(void)
{
    const char *cursor = NULL;
    char name[32], value[32];

    (void)http_header(&http, "host");
    while (http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)) == 0)
        continue;
}

static struct outcome feed(const uint8_t *data, size_t size, size_t piece)
{
    struct outcome out = {0};

    http_init(&http);
    for (size_t at = 0; at < size;) {
        size_t bytes = size - at < piece ? size - at : piece;
        size_t used = 0;
        enum http_event event = http_feed(&http, data + at, bytes, &used);

        at += used;
        out.heads += event == HTTP_EVENT_HEAD;
        out.ends += event == HTTP_EVENT_END;
        if (event == HTTP_EVENT_HEAD)
            look_at_head();
        if (event == HTTP_EVENT_BODY)
            out.body_bytes += http.body_len;
        if (event == HTTP_EVENT_BAD) {
            out.bad = 1;
            break;
        }
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = feed(data, size, size ? size : 1);
    struct outcome pieces = feed(data, size, 1);

    if (whole.heads != pieces.heads || whole.ends != pieces.ends || whole.bad != pieces.bad ||
        whole.body_bytes != pieces.body_bytes)
        abort();
    return 0;
}
