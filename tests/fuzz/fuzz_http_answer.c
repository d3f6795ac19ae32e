/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/http_answer.c mgmt/http/url.c core/lib/printf.c core/lib/str.c
 * build/deps/http-parser/http_parser.c */
/*
 * Any bytes as a server's answer, whole and byte by byte: the two give the same events. A redirect
 * in it is followed, and its request has exactly the lines that it should.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/http/http_answer.h"
#include "mgmt/http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned heads, ends, bad, status;
    uint64_t length, body_bytes;
};

static struct http_answer answer;

static void look_at_head(void)
{
    static struct url from = {.is_https = true, .port = 443, .host = "h", .target = "/a/b?c"};
    static struct url to;
    static char request[URL_MAX + URL_HOST_MAX + 256];
    const char *why;
    size_t len, lines = 0;

    if (url_follow(&from, answer.location, &to, &why) != 0)
        return;
    len = url_request(&to, request, sizeof(request));
    for (size_t i = 0; i < len; i++)
        lines += request[i] == '\n';
    if (!to.is_https || to.target[0] == '\0' || len == 0 || lines != 7)
        abort();
}

static struct outcome feed(const uint8_t *data, size_t size, size_t piece)
{
    struct outcome out = {0};

    http_answer_init(&answer);
    for (size_t at = 0; at < size && !out.bad && !out.ends;) {
        size_t bytes = size - at < piece ? size - at : piece;
        size_t used = 0;
        enum answer_event event = http_answer_feed(&answer, data + at, bytes, &used);

        at += used;
        out.ends += event == ANSWER_END;
        out.bad += event == ANSWER_BAD;
        if (event == ANSWER_BODY)
            out.body_bytes += answer.body_len;
        if (event != ANSWER_HEAD)
            continue;
        out.heads++;
        out.status = answer.status;
        out.length = answer.length;
        look_at_head();
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = feed(data, size, size ? size : 1);
    struct outcome pieces = feed(data, size, 1);

    if (whole.heads != pieces.heads || whole.ends != pieces.ends || whole.bad != pieces.bad ||
        whole.status != pieces.status || whole.length != pieces.length ||
        (!whole.bad && whole.body_bytes != pieces.body_bytes) || whole.heads > 1)
        abort();
    if (whole.ends && answer.has_length && whole.body_bytes != whole.length &&
        whole.status != 204 && whole.status != 304)
        abort();
    return 0;
}
