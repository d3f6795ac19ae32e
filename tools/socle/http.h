/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP to one host, on libcurl.
 *
 * A host is known by its public key: with https:// the pin must match, or nothing is sent. No
 * redirect is followed. An answer is taken up to HTTP_BODY_MAX, unless it goes to a sink.
 */
#ifndef SOCLE_CLI_HTTP_H
#define SOCLE_CLI_HTTP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/lib/types.h"
#include "tools/socle/command.h"
#include "tools/socle/hosts.h"
#include "tools/socle/mem.h"

#define HTTP_BODY_MAX (16u << 20)

struct http;

/* Takes bytes of an answer with status 200 as they come. Return: false to end it. */
typedef bool (*http_sink)(void *context, const char *data, size_t len);
/* Gives the next bytes of an upload. Return: their number, 0 at the end, -1 to give up. */
typedef long (*http_source)(void *context, char *data, size_t room);

struct http_request {
    const char *method;
    const char *path;         /* from the root: "/api/v1/…" */
    const char *content_type; /* of the body */
    const char *accept;       /* NULL: anything */
    const char *basic;        /* "name:password" in place of the token, or NULL */
    const void *body;         /* NULL: none, or from `source` */
    size_t body_len;
    http_source source;
    u64 source_bytes;
    bool can_resume; /* Upload-Complete: ?1 */
    bool has_offset; /* Upload-Offset: offset */
    u64 offset;
    u64 range_at, range_len; /* Range; 0 long: none */
    bool is_quiet;           /* a broken connection is not told, but in the reply */
    http_sink sink;          /* NULL: into the reply's body; and no time-out with one */
    void *context;           /* of source and sink */
};

struct http_reply {
    long status;
    char content_type[64]; /* "" if there is none */
    u64 accepted_bytes;    /* X-Accepted-Bytes */
    u64 upload_offset;     /* Upload-Offset */
    bool has_offset;       /* that was there */
    bool is_complete;      /* Upload-Complete: ?1 */
    bool is_broken;        /* the connection broke, or there was none: another may work */
    struct buffer body;    /* data is never NULL after an exchange; freed by http_release() */
};

/* host: is kept; must outlive it. */
struct http *http_open(const struct host *host);
void http_close(struct http *http);

/* Return: DONE when a status came, whichever; or NOT_REACHED with a sentence on stderr. */
enum outcome http_do(struct http *http, const struct http_request *request,
                     struct http_reply *reply);
/* Why the last exchange was broken. */
const char *http_error(const struct http *http);
void http_release(struct http_reply *reply);

/* For more than one exchange at a time: http_begin() prepares one that the caller's multi handle
 * runs; after it, http_end() has the outcome. The request's memory must stay until then. */
CURL *http_begin(struct http *http, const struct http_request *request, struct http_reply *reply);
enum outcome http_end(struct http *http, CURLcode code, struct http_reply *reply);

/* The certificate of a host nobody knows yet, as PEM for the caller to free; and what its root
 * says. Return: DONE or NOT_REACHED with a sentence on stderr. *pem: NULL with http://. */
enum outcome http_introduce(const char *url, char **pem, struct http_reply *reply);

#endif
