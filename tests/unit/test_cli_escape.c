/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tools/socle/escape.c */
/* What leaves a console, and what goes to the guest. */
#include "tests/unit/harness.h"

#include <string.h>

#include "tools/socle/escape.h"

static char sent[128];

/* Types text byte by byte. Return: false once it has left. */
static bool type(struct escape *e, const char *text)
{
    char out[4];
    size_t len;
    bool stays = true;

    for (; *text && stays; text++) {
        stays = escape_filter(e, text, 1, out, &len);
        strncat(sent, out, len);
    }
    return stays;
}

static bool type_first(const char *text)
{
    struct escape e = {0};

    sent[0] = '\0';
    return type(&e, text);
}

TEST(a_tilde_and_a_dot_at_a_lines_beginning_leave)
{
    CHECK(!type_first("~."));
    CHECK_STR(sent, "");
    CHECK(!type_first("ls\r~."));
    CHECK_STR(sent, "ls\r");
    CHECK(!type_first("a\n~."));
}

TEST(elsewhere_they_are_typed)
{
    CHECK(type_first("a~."));
    CHECK_STR(sent, "a~.");
    CHECK(type_first("~~."));
    CHECK_STR(sent, "~.");
    CHECK(type_first("~x~."));
    CHECK_STR(sent, "~x~.");
    CHECK(type_first("~"));
    CHECK_STR(sent, "");
    CHECK(!type_first("~\r~."));
    CHECK_STR(sent, "~\r");
}

TEST(many_at_once)
{
    struct escape e = {0};
    char out[16];
    size_t len;

    CHECK(escape_filter(&e, "~", 1, out, &len));
    CHECK_EQ(len, 0);
    CHECK(escape_filter(&e, "abc", 3, out, &len));
    CHECK(len == 4 && memcmp(out, "~abc", 4) == 0);
    CHECK(!escape_filter(&e, "\rx\r~.y", 6, out, &len));
    CHECK(len == 3 && memcmp(out, "\rx\r", 3) == 0);
}
