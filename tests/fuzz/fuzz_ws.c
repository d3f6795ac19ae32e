/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/ws.c */
/* Any bytes as frames, whole and byte by byte: both give the same messages and the same end. */
#include <stdint.h>
#include <stdlib.h>

#include "mgmt/http/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t bytes, hash; /* of messages and pings */
    unsigned pings, ends, code;
};

static struct ws_stream ws;

static void take(struct outcome *out, unsigned salt)
{
    for (uint32_t i = 0; i < ws.piece_len; i++)
        out->hash = (out->hash ^ (ws.piece[i] + salt)) * 0x100000001b3ull;
    out->bytes += ws.piece_len;
}

static struct outcome feed(const uint8_t *data, size_t size, size_t step)
{
    struct outcome out = {0};

    ws_init(&ws);
    for (size_t at = 0; at < size && !out.ends;) {
        size_t bytes = size - at < step ? size - at : step;
        size_t used = 0;
        enum ws_event event = ws_feed(&ws, data + at, bytes, &used);

        if (used > bytes || ws.piece_len > WS_PIECE_MAX)
            abort();
        at += used;
        if (event == WS_EVENT_DATA || event == WS_EVENT_PING)
            take(&out, event);
        if (event == WS_EVENT_PING && ws.piece_len > WS_CONTROL_MAX)
            abort();
        out.pings += event == WS_EVENT_PING;
        out.ends += event == WS_EVENT_BAD || event == WS_EVENT_CLOSE;
    }
    out.code = out.ends ? ws.close_code : 0;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = feed(data, size, size ? size : 1);
    struct outcome pieces = feed(data, size, 1);

    if (whole.bytes != pieces.bytes || whole.hash != pieces.hash || whole.pings != pieces.pings ||
        whole.ends != pieces.ends || whole.code != pieces.code)
        abort();
    return 0;
}
