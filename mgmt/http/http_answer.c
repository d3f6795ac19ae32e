/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP answers on http-parser. */
#include "mgmt/http/http_answer.h"

#include "core/lib/string.h"

#define HEAD_MAX_BYTES 8192u

static struct http_answer *answer_of(http_parser *parser)
{
    return parser->data;
}

/* Callbacks end http_parser_execute() by pausing it; what happened is in answer->event. */
static int stop_with(struct http_answer *answer, enum answer_event event)
{
    answer->event = event;
    http_parser_pause(&answer->parser, 1);
    return 0;
}

static int refuse(struct http_answer *answer, const char *why)
{
    answer->error = why;
    return stop_with(answer, ANSWER_BAD);
}

static int on_begin(http_parser *parser)
{
    struct http_answer *answer = answer_of(parser);

    answer->head_done = false;
    answer->in_value = true;
    answer->has_location = false;
    answer->location[0] = '\0';
    answer->encoding[0] = '\0';
    return 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Names longer than those that count are cut, and then are none of them. */
static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = answer_of(parser);

    if (answer->in_value)
        answer->name_len = 0;
    answer->in_value = false;
    for (size_t i = 0; i < len && answer->name_len + 1 < sizeof(answer->name); i++)
        answer->name[answer->name_len++] = lower(at[i]);
    answer->name[answer->name_len] = '\0';
    return 0;
}

/* Return: false: it does not fit. */
static bool append(char *dst, size_t size, u32 *used, const char *at, size_t len)
{
    if (len >= size - *used)
        return false;
    memcpy(dst + *used, at, len);
    *used += (u32)len;
    dst[*used] = '\0';
    return true;
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = answer_of(parser);
    bool is_first = !answer->in_value;

    answer->in_value = true;
    if (answer->head_done) /* a trailer */
        return 0;
    if (is_first)
        answer->value_len = 0;
    if (strcmp(answer->name, "location") == 0) {
        if (is_first && answer->has_location)
            return refuse(answer, "The server's answer says twice where to look.");
        answer->has_location = true;
        if (!append(answer->location, sizeof(answer->location), &answer->value_len, at, len))
            return refuse(answer, "The server's redirect is longer than 2047 characters.");
    } else if (strcmp(answer->name, "content-encoding") == 0 &&
               !append(answer->encoding, sizeof(answer->encoding), &answer->value_len, at, len)) {
        (void)str_copy(answer->encoding, sizeof(answer->encoding), "other");
    }
    return 0;
}

/* Blanks behind a value belong to nobody. */
static void trim(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        text[--len] = '\0';
}

static int on_head(http_parser *parser)
{
    struct http_answer *answer = answer_of(parser);

    answer->head_done = true;
    parser->upgrade = 0;
    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse(answer, "The server does not speak HTTP/1.1.");
    answer->status = (u16)parser->status_code;
    if (answer->status < 200) {
        if (answer->status == 101 || ++answer->interim > ANSWER_INTERIM_MAX)
            return refuse(answer, "The server does not come to its answer.");
        return 0;
    }
    answer->is_chunked = (parser->flags & F_CHUNKED) != 0;
    answer->has_length = (parser->flags & F_CONTENTLENGTH) != 0;
    answer->length = answer->has_length ? parser->content_length : 0;
    trim(answer->location);
    trim(answer->encoding);
    answer->is_encoded = answer->encoding[0] && strcmp(answer->encoding, "identity") != 0;
    return stop_with(answer, ANSWER_HEAD);
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_answer *answer = answer_of(parser);

    answer->body = (const u8 *)at;
    answer->body_len = len;
    return stop_with(answer, ANSWER_BODY);
}

static int on_end(http_parser *parser)
{
    struct http_answer *answer = answer_of(parser);

    return answer->status < 200 ? 0 : stop_with(answer, ANSWER_END);
}

static const http_parser_settings callbacks = {
    .on_message_begin = on_begin,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

void http_answer_init(struct http_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    http_parser_set_max_header_size(HEAD_MAX_BYTES); /* the library's, so of all its users */
    http_parser_init(&answer->parser, HTTP_RESPONSE);
    answer->parser.data = answer;
    answer->in_value = true;
}

enum answer_event http_answer_feed(struct http_answer *answer, const u8 *data, size_t len,
                                   size_t *used)
{
    enum http_errno code;

    answer->event = ANSWER_MORE;
    /* No bytes would tell the library that the connection has ended. */
    *used = len ? http_parser_execute(&answer->parser, &callbacks, (const char *)data, len) : 0;
    code = HTTP_PARSER_ERRNO(&answer->parser);
    if (code == HPE_PAUSED) {
        http_parser_pause(&answer->parser, 0);
        return answer->event;
    }
    if (code == HPE_OK)
        return ANSWER_MORE;
    answer->error = code == HPE_HEADER_OVERFLOW
                        ? "The head of the server's answer is larger than 8192 bytes."
                        : "The server's answer is no valid HTTP.";
    return ANSWER_BAD;
}
