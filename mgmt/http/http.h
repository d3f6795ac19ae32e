/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.1 requests from a stream of bytes, in fixed memory.
 *
 * http_feed() takes bytes until something has happened and says what: head complete, a piece of
 * body, end of the request. The bytes behind it stay with the caller, who goes on when the answer
 * is sent, so pipelining needs no queue. Splitting is http-parser's; this module bounds it, keeps
 * the head, and refuses what two parties could read in two ways (two lengths, length and chunks, no
 * or two hosts).
 */
#ifndef SOCLE_MGMT_HTTP_H
#define SOCLE_MGMT_HTTP_H

#include <http_parser.h>

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define HTTP_HEAD_MAX    8192u /* request line and headers together */
#define HTTP_HEADERS_MAX 64u
#define HTTP_PATH_MAX    512u
#define HTTP_LENGTH_NONE UINT64_MAX

enum http_verb {
    VERB_GET,
    VERB_HEAD,
    VERB_PUT,
    VERB_POST,
    VERB_DELETE,
    VERB_OPTIONS,
    VERB_PATCH,
    VERB_OTHER,
};

enum http_event {
    HTTP_EVENT_MORE, /* all bytes taken, nothing complete */
    HTTP_EVENT_HEAD, /* the head is complete: verb, path, headers are valid until the next request
                        begins */
    HTTP_EVENT_BODY, /* body and body_len are set, valid until the next call */
    HTTP_EVENT_END,  /* the request is complete */
    HTTP_EVENT_BAD,  /* error_status and error are set; nothing more may be fed */
};

struct http_stream {
    http_parser parser; /* the library's */

    /* Valid from HTTP_EVENT_HEAD on. */
    enum http_verb verb;
    const char *verb_name;
    const char *target;       /* path and query, raw */
    char path[HTTP_PATH_MAX]; /* decoded, without query */
    const char *query;        /* raw, behind the '?'; "" if none */
    u64 content_length;       /* HTTP_LENGTH_NONE: chunked, or no body */
    bool has_body;
    bool is_http_1_0;
    bool keep_alive;
    bool expect_continue;

    /* Valid after HTTP_EVENT_BODY. */
    const u8 *body;
    size_t body_len;

    /* Valid after HTTP_EVENT_BAD. */
    u16 error_status;
    const char *error;

    /* Private. */
    enum http_event event;
    bool head_done;
    bool in_value; /* the last piece belonged to a header's value */
    u16 header_count;
    u16 names[HTTP_HEADERS_MAX]; /* offsets in head */
    u16 values[HTTP_HEADERS_MAX];
    u32 head_len;
    char head[HTTP_HEAD_MAX + 2]; /* target, then names and values, each terminated */
};

void http_init(struct http_stream *http);

/* Return: what happened; *used bytes of data are done with. */
enum http_event http_feed(struct http_stream *http, const u8 *data, size_t len, size_t *used);

/* True between requests: nothing of the next one has been seen. */
bool http_is_idle(const struct http_stream *http);

/* The value of the first header of that name (lower case), or NULL. */
const char *http_header(const struct http_stream *http, const char *name);

/* Whether a Content-Type is one that JSON comes with; NULL, too: the client did not say. */
bool http_type_is_json(const char *type);

/*
 * Walks the query: *cursor starts as NULL; decodes the next name and value.
 * Return: 0, -ENODATA (no more), -EINVAL (bad escape, or longer than the buffers).
 */
int http_query_next(const struct http_stream *http, const char **cursor, char *name,
                    size_t name_size, char *value, size_t value_size) must_check;

/* Decodes %XX (and '+' as blank if asked). Return: 0, -EINVAL (bad escape, NUL), -ERANGE (too
 * long). */
int http_decode(const char *text, size_t len, bool plus_is_space, char *dst,
                size_t size) must_check;

const char *http_status_name(u16 status);

#endif
