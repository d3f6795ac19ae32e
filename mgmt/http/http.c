/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP requests on http-parser. */
#include "mgmt/http/http.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"

static struct http_stream *stream_of(http_parser *parser)
{
    return parser->data;
}

/* Callbacks end http_parser_execute() by pausing it; what happened is in http->event. */
static int stop_with(struct http_stream *http, enum http_event event)
{
    http->event = event;
    http_parser_pause(&http->parser, 1);
    return 0;
}

static int refuse(struct http_stream *http, u16 status, const char *why)
{
    http->error_status = status;
    http->error = why;
    return stop_with(http, HTTP_EVENT_BAD);
}

static int on_begin(http_parser *parser)
{
    struct http_stream *http = stream_of(parser);

    http->verb = VERB_OTHER;
    http->head_done = false;
    http->in_value = true; /* the target ends where the first name begins */
    http->header_count = 0;
    http->head_len = 0;
    return 0;
}

/* The parser's own limit on the head keeps this in bounds; the check does not rely on it. */
static bool head_append(struct http_stream *http, const char *at, size_t len)
{
    if (len > HTTP_HEAD_MAX - http->head_len)
        return false;
    memcpy(http->head + http->head_len, at, len);
    http->head_len += (u32)len;
    return true;
}

static bool head_terminate(struct http_stream *http)
{
    return head_append(http, "", 1);
}

static int too_big(struct http_stream *http)
{
    return refuse(http, 413, "the request line and headers are larger than 8192 bytes");
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct http_stream *http = stream_of(parser);

    return head_append(http, at, len) ? 0 : too_big(http);
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct http_stream *http = stream_of(parser);
    u32 start = http->head_len;

    if (http->head_done) /* a trailer: nothing here needs them */
        return 0;
    if (http->in_value) {
        if (http->header_count == HTTP_HEADERS_MAX)
            return refuse(http, 413, "more than 64 headers");
        if (!head_terminate(http))
            return too_big(http);
        start = http->head_len;
        http->names[http->header_count] = (u16)start;
        http->in_value = false;
    }
    if (!head_append(http, at, len))
        return too_big(http);
    for (u32 i = start; i < http->head_len; i++) {
        if (http->head[i] >= 'A' && http->head[i] <= 'Z')
            http->head[i] = (char)(http->head[i] + ('a' - 'A'));
    }
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_stream *http = stream_of(parser);

    if (http->head_done)
        return 0;
    if (!http->in_value) {
        if (!head_terminate(http))
            return too_big(http);
        http->values[http->header_count++] = (u16)http->head_len;
        http->in_value = true;
    }
    return head_append(http, at, len) ? 0 : too_big(http);
}

static enum http_verb verb_from(unsigned method)
{
    switch (method) {
    case HTTP_GET:
        return VERB_GET;
    case HTTP_HEAD:
        return VERB_HEAD;
    case HTTP_PUT:
        return VERB_PUT;
    case HTTP_POST:
        return VERB_POST;
    case HTTP_DELETE:
        return VERB_DELETE;
    case HTTP_OPTIONS:
        return VERB_OPTIONS;
    case HTTP_PATCH:
        return VERB_PATCH;
    default:
        return VERB_OTHER;
    }
}

static u32 header_occurrences(const struct http_stream *http, const char *name)
{
    u32 count = 0;

    for (u32 i = 0; i < http->header_count; i++)
        count += strcmp(http->head + http->names[i], name) == 0;
    return count;
}

/* The target is a path, or "http://authority/path", or "*" for OPTIONS. */
static bool split_target(struct http_stream *http)
{
    char *target = http->head;
    char *query;

    if (strncmp(target, "http://", 7) == 0) {
        target = strchr(target + 7, '/');
        if (!target)
            return false;
    }
    if (target[0] != '/' && !(http->verb == VERB_OPTIONS && strcmp(target, "*") == 0))
        return false;
    http->target = target;
    query = strchr(target, '?');
    http->query = query ? query + 1 : "";
    if (!query)
        query = target + strlen(target);
    for (const char *c = target; c + 2 < query; c++) {
        if (c[0] == '%' && c[1] == '2' && (c[2] | 0x20) == 'f')
            return false; /* a slash in disguise */
    }
    if (http_decode(target, (size_t)(query - target), false, http->path, HTTP_PATH_MAX))
        return false;
    for (const char *c = http->path; *c; c++) {
        if ((u8)*c < ' ' || *c == '\x7f')
            return false; /* would reach the log */
    }
    return true;
}

static bool text_equals_nocase(const char *text, const char *lower)
{
    for (; *text && *lower; text++, lower++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text + ('a' - 'A')) : *text;

        if (c != *lower)
            return false;
    }
    return *text == *lower;
}

static int on_head(http_parser *parser)
{
    struct http_stream *http = stream_of(parser);
    const char *expect;
    u32 hosts;

    if (!head_terminate(http))
        return too_big(http);
    http->head_done = true;
    parser->upgrade = 0; /* no protocol to change to: an ordinary request */
    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse(http, 400, "the protocol version is not HTTP/1.0 or HTTP/1.1");
    http->is_http_1_0 = parser->http_minor == 0;
    http->verb = verb_from(parser->method);
    http->verb_name = http_method_str((enum http_method)parser->method);
    hosts = header_occurrences(http, "host");
    if (hosts > 1 || (hosts == 0 && !http->is_http_1_0))
        return refuse(http, 400, "a request needs exactly one Host header");
    if (!split_target(http))
        return refuse(http, 400, "the request target is no valid path");
    http->content_length = parser->content_length; /* all ones if there is none, here as there */
    http->has_body = (parser->flags & F_CHUNKED) ||
                     (http->content_length != HTTP_LENGTH_NONE && http->content_length > 0);
    http->keep_alive = http_should_keep_alive(parser) != 0;
    expect = http_header(http, "expect");
    if (expect && !text_equals_nocase(expect, "100-continue"))
        return refuse(http, 417, "the only expectation this server meets is 100-continue");
    http->expect_continue = expect && !http->is_http_1_0 && http->has_body;
    return stop_with(http, HTTP_EVENT_HEAD);
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_stream *http = stream_of(parser);

    http->body = (const u8 *)at;
    http->body_len = len;
    return stop_with(http, HTTP_EVENT_BODY);
}

static int on_end(http_parser *parser)
{
    return stop_with(stream_of(parser), HTTP_EVENT_END);
}

static const http_parser_settings callbacks = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

void http_init(struct http_stream *http)
{
    memset(http, 0, offsetof(struct http_stream, head));
    http->head[0] = '\0';
    http_parser_set_max_header_size(HTTP_HEAD_MAX);
    http_parser_init(&http->parser, HTTP_REQUEST);
    http->parser.data = http;
    http->head_done = true;
}

/* Turns the library's error into a status and a sentence. */
static void explain(struct http_stream *http)
{
    enum http_errno code = HTTP_PARSER_ERRNO(&http->parser);

    http->error_status = code == HPE_HEADER_OVERFLOW ? 413 : 400;
    http->error = code == HPE_UNEXPECTED_CONTENT_LENGTH ? "the length of the body is given twice"
                                                        : http_errno_description(code);
}

enum http_event http_feed(struct http_stream *http, const u8 *data, size_t len, size_t *used)
{
    enum http_errno code;

    http->event = HTTP_EVENT_MORE;
    *used = len ? http_parser_execute(&http->parser, &callbacks, (const char *)data, len) : 0;
    code = HTTP_PARSER_ERRNO(&http->parser);
    if (code == HPE_PAUSED) {
        http_parser_pause(&http->parser, 0);
        return http->event;
    }
    if (code == HPE_OK)
        return HTTP_EVENT_MORE;
    explain(http);
    return HTTP_EVENT_BAD;
}

bool http_is_idle(const struct http_stream *http)
{
    return http->event == HTTP_EVENT_END || (http->head_done && http->head[0] == '\0');
}

const char *http_header(const struct http_stream *http, const char *name)
{
    for (u32 i = 0; i < http->header_count; i++) {
        if (strcmp(http->head + http->names[i], name) == 0)
            return http->head + http->values[i];
    }
    return NULL;
}
