/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/http_answer.c build/deps/http-parser/http_parser.c core/lib/str.c */
/* Answers of servers: whole and byte by byte; hostile ones are refused. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/http/http_answer.h"

static struct http_answer answer;
static char trace[512], body[256];

static void note(enum answer_event event)
{
    size_t len = strlen(trace);
    char *at = trace + len;
    size_t room = sizeof(trace) - len;

    if (event == ANSWER_HEAD)
        snprintf(at, room, "H%u ", answer.status);
    else if (event == ANSWER_BODY)
        snprintf(body + strlen(body), sizeof body - strlen(body), "%.*s", (int)answer.body_len,
                 (const char *)answer.body);
    else if (event == ANSWER_END)
        snprintf(at, room, "E");
    else if (event == ANSWER_BAD)
        snprintf(at, room, "!");
}

/* Feeds text in pieces, each a heap copy of its own, until it is over. */
static const char *feed(const char *text, size_t len, size_t piece)
{
    http_answer_init(&answer);
    trace[0] = body[0] = '\0';
    for (size_t at = 0; at < len; at += piece) {
        size_t bytes = len - at < piece ? len - at : piece;
        u8 *copy = malloc(bytes);
        size_t done = 0;
        enum answer_event event = ANSWER_MORE;

        memcpy(copy, text + at, bytes);
        while (done < bytes && event != ANSWER_BAD && event != ANSWER_END) {
            size_t used = 0;

            event = http_answer_feed(&answer, copy + done, bytes - done, &used);
            note(event);
            done += used;
        }
        free(copy);
        if (event == ANSWER_BAD || event == ANSWER_END)
            break;
    }
    return trace;
}

/* The same either way. */
static const char *both(const char *text)
{
    char whole[sizeof trace], whole_body[sizeof body];

    strcpy(whole, feed(text, strlen(text), 100000));
    strcpy(whole_body, body);
    CHECK_STR(feed(text, strlen(text), 1), whole);
    if (!strchr(trace, '!')) /* or the last bytes may be offered or not */
        CHECK_STR(body, whole_body);
    return trace;
}

TEST(lengths_and_chunks)
{
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), "H200 E");
    CHECK_STR(body, "hello");
    CHECK(answer.has_length && answer.length == 5 && !answer.is_chunked && !answer.is_encoded);
    CHECK_STR(both("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\nLocation: /y\r\n\r\n"),
              "H200 E");
    CHECK_STR(body, "abcde");
    CHECK(!answer.has_length && answer.is_chunked && answer.location[0] == '\0');
    CHECK_STR(both("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), "H200 E");
    CHECK_STR(both("HTTP/1.1 204 No\r\n\r\n"), "H204 E");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), "H200 ");
}

TEST(an_end_that_nobody_tells_is_seen)
{
    CHECK_STR(both("HTTP/1.1 200 OK\r\n\r\nabc"), "H200 ");
    CHECK(!answer.has_length && !answer.is_chunked);
    CHECK_STR(both("HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"), "H200 ");
    CHECK(!answer.has_length && !answer.is_chunked);
}

TEST(redirects_and_encodings)
{
    CHECK_STR(both("HTTP/1.1 302 Found\r\nlocation:  https://h/x \r\nContent-Length: 0\r\n\r\n"),
              "H302 E");
    CHECK_STR(answer.location, "https://h/x");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"),
              "H200 E");
    CHECK(answer.is_encoded);
    both("HTTP/1.1 200 OK\r\nContent-Encoding: identity \r\nContent-Length: 1\r\n\r\nx");
    CHECK(!answer.is_encoded);
    both("HTTP/1.1 200 OK\r\nContent-Encoding: a-very-long-encoding\r\nContent-Length: 1\r\n\r\nx");
    CHECK(answer.is_encoded);
    both("HTTP/1.1 200 OK\r\nContent-Encoding-Of-Another: x\r\nLocationx: y\r\n"
         "Content-Length: 1\r\n\r\nx");
    CHECK(!answer.is_encoded && answer.location[0] == '\0');
}

TEST(interim_answers_are_passed_over)
{
    CHECK_STR(both("HTTP/1.1 103 Early\r\nLocation: /no\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
              "H200 E");
    CHECK(answer.location[0] == '\0');
    CHECK_STR(both("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "!");
}

TEST(hostile_servers_are_refused)
{
    static char text[20000];
    size_t len;

    CHECK_STR(both("SSH-2.0-OpenSSH\r\n"), "!");
    CHECK_STR(both("HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\nx"), "!");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"), "!");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              "!");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"), "!");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "!");
    CHECK_STR(both("HTTP/1.1 302 F\r\nLocation: /a\r\nLocation: /b\r\n\r\n"), "!");
    CHECK(strstr(answer.error, "twice"));
    CHECK_STR(both("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
              "H200 !");
    CHECK_STR(both("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz"), "H200 !");

    len = (size_t)sprintf(text, "HTTP/1.1 302 F\r\nLocation: /");
    memset(text + len, 'a', ANSWER_LOCATION_MAX);
    CHECK_STR(feed(text, len + ANSWER_LOCATION_MAX, 7), "!"); /* one more than fits */
    CHECK(strstr(answer.error, "2047"));
    len = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nX: ");
    memset(text + len, 'a', sizeof text - len);
    CHECK_STR(feed(text, sizeof text, 1000), "!");
    CHECK(strstr(answer.error, "8192"));
    len = 0;
    while (len < 10000)
        len += (size_t)sprintf(text + len, "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK_STR(feed(text, len, 33), "!");
    CHECK(strstr(answer.error, "does not come"));
}
