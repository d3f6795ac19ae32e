/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/http.c mgmt/http/http_text.c core/lib/hex.c
 * build/deps/http-parser/http_parser.c */
/* HTTP requests: whole, byte by byte and pipelined; two-way readable ones are refused. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/http/http.h"

static struct http_stream http;
static char trace[2048]; /* what happened, e.g. "H B(abc) E " */

static void note(enum http_event event)
{
    size_t len = strlen(trace);
    char *at = trace + len;
    size_t room = sizeof(trace) - len;

    if (event == HTTP_EVENT_HEAD)
        snprintf(at, room, "H(%s %s?%s) ", http.verb_name, http.path, http.query);
    else if (event == HTTP_EVENT_BODY)
        snprintf(at, room, "B(%.*s) ", (int)http.body_len, (const char *)http.body);
    else if (event == HTTP_EVENT_END)
        snprintf(at, room, "E ");
    else if (event == HTTP_EVENT_BAD)
        snprintf(at, room, "!%u ", http.error_status);
}

/* Feeds text in pieces of `piece` bytes, each a heap copy of its own. */
static const char *feed(const char *text, size_t len, size_t piece)
{
    http_init(&http);
    trace[0] = '\0';
    for (size_t at = 0; at < len; at += piece) {
        size_t bytes = len - at < piece ? len - at : piece;
        u8 *copy = malloc(bytes);
        size_t done = 0;

        memcpy(copy, text + at, bytes);
        while (done < bytes) {
            size_t used = 0;
            enum http_event event = http_feed(&http, copy + done, bytes - done, &used);

            note(event);
            done += used;
            if (event == HTTP_EVENT_BAD) {
                free(copy);
                return trace;
            }
        }
        free(copy);
    }
    return trace;
}

static const char *whole(const char *text)
{
    return feed(text, strlen(text), 100000);
}

TEST(simple_requests)
{
    CHECK_STR(whole("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "H(GET /?) E ");
    CHECK(http.keep_alive);
    CHECK(!http.has_body);
    CHECK_STR(whole("GET /a%20b?x=1&y HTTP/1.0\r\n\r\n"), "H(GET /a b?x=1&y) E ");
    CHECK(!http.keep_alive);
    CHECK(http.is_http_1_0);
    CHECK_STR(whole("GET http://h:80/p HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
              "H(GET /p?) E ");
    CHECK(!http.keep_alive);
    CHECK_STR(whole("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), "H(OPTIONS *?) E ");
    CHECK_STR(whole("PUT /i HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"),
              "H(PUT /i?) B(abc) E ");
    CHECK_EQ(http.content_length, 3);
    CHECK_STR(whole("HEAD / HTTP/1.1\r\nhOST: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
              "H(HEAD /?) E ");
}

TEST(headers_are_kept)
{
    whole("GET / HTTP/1.1\r\nHost: a\r\nX-One:  b c \r\nIf-Match: \"e\"\r\nEmpty:\r\n\r\n");
    CHECK_STR(http_header(&http, "x-one"), "b c ");
    CHECK_STR(http_header(&http, "if-match"), "\"e\"");
    CHECK_STR(http_header(&http, "empty"), "");
    CHECK(http_header(&http, "x-two") == NULL);
}

TEST(every_split_gives_the_same)
{
    static const char text[] = "POST /v HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n"
                               "GET /second?q HTTP/1.1\r\nHost: a\r\n\r\n";

    CHECK_STR(whole(text), "H(POST /v?) B(abc) B(d) E H(GET /second?q) E ");
    for (size_t piece = 1; piece < 40; piece++) {
        feed(text, sizeof(text) - 1, piece);
        CHECK(strstr(trace, "H(POST /v?) ") == trace);
        CHECK(strstr(trace, "E H(GET /second?q) E ") != NULL);
        CHECK(strstr(trace, "!") == NULL);
        CHECK_STR(http_header(&http, "host"), "a");
        CHECK(http_header(&http, "t") == NULL);
    }
}

TEST(two_way_readable_requests_are_refused)
{
    static const char *const bad[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
        "3\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a%0Ab HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a%g0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a% HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        whole(bad[i]);
        if (!strstr(trace, "!400"))
            fprintf(stderr, "accepted: %s: %s\n", bad[i], trace);
        CHECK(strstr(trace, "!400") != NULL);
        CHECK(strstr(trace, "E ") == NULL);
        CHECK(http.error != NULL);
    }
    CHECK_STR(whole("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "!400 ");
    CHECK_STR(whole("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200\r\n\r\n"), "!417 ");
}

TEST(the_head_is_bounded)
{
    char text[10000];
    size_t len = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nX: ");

    memset(text + len, 'x', sizeof(text) - len);
    CHECK_STR(feed(text, sizeof(text), 1460), "!413 ");
    memset(text + 5, 'x', sizeof(text) - 5);
    CHECK_STR(feed(text, sizeof(text), 100), "!413 ");
    len = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 64; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "X-%d: y\r\n", i);
    snprintf(text + len, sizeof(text) - len, "\r\n");
    CHECK_STR(whole(text), "!413 ");
}

TEST(expect_continue)
{
    whole("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    CHECK(http.expect_continue);
    whole("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n");
    CHECK(!http.expect_continue);
}

TEST(idle_between_requests_only)
{
    whole("");
    CHECK(http_is_idle(&http));
    whole("GE");
    CHECK(!http_is_idle(&http));
    whole("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(http_is_idle(&http));
}

TEST(queries_decode)
{
    const char *cursor = NULL;
    char name[8], value[8];

    whole("GET /?a=1&b=%41+c&&c&long=123456789 HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_EQ(http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)), 0);
    CHECK_STR(name, "a");
    CHECK_STR(value, "1");
    CHECK_EQ(http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)), 0);
    CHECK_STR(value, "A c");
    CHECK_EQ(http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)), 0);
    CHECK_STR(name, "c");
    CHECK_STR(value, "");
    CHECK_EQ(http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)), -EINVAL);
    whole("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    cursor = NULL;
    CHECK_EQ(http_query_next(&http, &cursor, name, sizeof(name), value, sizeof(value)), -ENODATA);
}
