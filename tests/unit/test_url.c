/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/http/url.c core/lib/printf.c core/lib/str.c */
/* URLs are taken apart, redirects followed where they may lead, and nothing gets into a request. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/http/url.h"

static struct url url;
static const char *why;
static char shown[4096];

static const char *show(const struct url *u, int rc)
{
    if (rc)
        return rc == -EPERM ? "not allowed" : "bad";
    snprintf(shown, sizeof shown, "%s %s %u %s", u->is_https ? "https" : "http", u->host, u->port,
             u->target);
    return shown;
}

/* A heap copy, so that reading beyond the text is noticed. */
static const char *parse(const char *text)
{
    char *copy = strdup(text);
    int rc;

    why = NULL;
    rc = url_parse(copy, &url, &why);
    free(copy);
    return show(&url, rc);
}

static const char *follow(const char *from, const char *location)
{
    struct url to;
    int rc;

    CHECK(url_parse(from, &url, &why) == 0);
    rc = url_follow(&url, location, &to, &why);
    return show(&to, rc);
}

TEST(urls_are_taken_apart)
{
    CHECK_STR(parse("http://host/a/b?c=d"), "http host 80 /a/b?c=d");
    CHECK_STR(parse("https://host/a#frag"), "https host 443 /a");
    CHECK_STR(parse("HTTPS://Host.example:8443"), "https Host.example 8443 /");
    CHECK_STR(parse("http://host?q"), "http host 80 /?q");
    CHECK_STR(parse("http://host:/x"), "http host 80 /x");
    CHECK_STR(parse("http://10.0.2.2:65535/x@y:z"), "http 10.0.2.2 65535 /x@y:z");
    CHECK_STR(parse("https://[fe80::1]:8080/x"), "https fe80::1 8080 /x");
    CHECK_STR(parse("https://[2001:db8::2]"), "https 2001:db8::2 443 /");
}

TEST(what_is_no_url_is_refused)
{
    static const char *const bad[] = {
        "",
        "host/x",
        "ftp://host/x",
        "file:///etc/passwd",
        "http:/host",
        "http://",
        "http:///x",
        "http://:80/",
        "http://ho st/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://host/\x7f",
        "http://host/\xc3\xa4",
        "http://host:0/",
        "http://host:65536/",
        "http://host:99999999999999999999/",
        "http://host:8o/",
        "http://ho_st/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[]/",
        "http://[host]/x",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_STR(parse(bad[i]), "bad");
        CHECK(why && why[strlen(why) - 1] == '.');
    }
    CHECK_STR(parse("http://user:secret@host/"), "bad");
    CHECK(strstr(why, "password"));
    CHECK_STR(parse("http://user@host/"), "bad");
}

TEST(redirects_lead_where_they_say)
{
    static const char from[] = "https://h:8443/a/b/c?q=/x/y";

    CHECK_STR(follow(from, "https://other/z"), "https other 443 /z");
    CHECK_STR(follow(from, "//other:1/z"), "https other 1 /z");
    CHECK_STR(follow(from, "/z?r"), "https h 8443 /z?r");
    CHECK_STR(follow(from, "z"), "https h 8443 /a/b/z");
    CHECK_STR(follow(from, "?z"), "https h 8443 /a/b/c?z");
    CHECK_STR(follow(from, "z:1/"), "bad"); /* a scheme nobody knows */
    CHECK_STR(follow("http://h", "z#f"), "http h 80 /z");
    CHECK_STR(follow("http://h:81/a", "https://h/a"), "https h 443 /a");
}

TEST(redirects_do_not_lead_everywhere)
{
    CHECK_STR(follow("https://h/a", "http://h/a"), "not allowed");
    CHECK_STR(follow("https://h/a", "HTTP://h/a"), "not allowed");
    CHECK_STR(follow("http://h/a", "http://u:p@h/a"), "bad");
    CHECK_STR(follow("http://h/a", "file:///a"), "bad");
    CHECK_STR(follow("http://h/a", ""), "bad");
    CHECK_STR(follow("http://h/a", "/a\r\nX: y"), "bad");
    CHECK_STR(follow("http://h/a", "//"), "bad");
}

TEST(long_ones_are_refused)
{
    static char text[3 * URL_MAX];
    char request[URL_MAX + URL_HOST_MAX + 256];

    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://h/", 9);
    text[URL_MAX] = '\0';
    CHECK(parse(text) == shown);
    CHECK(url_request(&url, request, sizeof request) > URL_MAX);
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "http://h/", 9);
    CHECK_STR(parse(text), "bad");
    CHECK_STR(follow("http://h/a", text + 9), "bad");
    text[9 + URL_MAX - 4] = '\0';
    CHECK_STR(follow("http://h/dir/a", text + 9), "bad"); /* too long with its folder */
    memset(text, 'h', URL_HOST_MAX + 8);
    memcpy(text, "http://", 7);
    text[7 + URL_HOST_MAX + 1] = '\0';
    CHECK_STR(parse(text), "bad");
}

TEST(a_request_is_one)
{
    char request[512], small[64];
    size_t len;

    CHECK(url_parse("https://[::1]:8443/f?g", &url, &why) == 0);
    len = url_request(&url, request, sizeof request);
    CHECK_EQ(len, strlen(request));
    CHECK(strncmp(request, "GET /f?g HTTP/1.1\r\nHost: [::1]:8443\r\n", 37) == 0);
    CHECK_STR(request + strlen(request) - 4, "\r\n\r\n");
    CHECK(url_parse("http://h:80/", &url, &why) == 0);
    (void)url_request(&url, request, sizeof request);
    CHECK(strstr(request, "\r\nHost: h\r\n"));
    CHECK_EQ(url_request(&url, small, sizeof small), 0);
}
