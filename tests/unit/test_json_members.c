/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/json/json_members.c */
/* Members in text: chosen whole, whatever is in them, and compared by their values. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "mgmt/json/json_members.h"

/* On the heap without an end, so that the sanitizer sees every read past it. */
static const char *keep(const char *object, const char *wanted)
{
    static char text[256];
    size_t len = strlen(object);
    char *copy = malloc(len);

    memcpy(copy, object, len);
    len = json_members_keep(copy, len, wanted);
    memcpy(text, copy, len);
    text[len] = '\0';
    free(copy);
    return text;
}

TEST(keeps_what_is_wanted)
{
    const char *object = "{\"a\":1,\"b\":{\"a\":2,\"c\":[1,2]},\"ab\":\"x,}\\\"\",\"e\":[]}";

    CHECK_STR(keep(object, "a"), "{\"a\":1}");
    CHECK_STR(keep(object, "b,e"), "{\"b\":{\"a\":2,\"c\":[1,2]},\"e\":[]}");
    CHECK_STR(keep(object, "ab"), "{\"ab\":\"x,}\\\"\"}");
    CHECK_STR(keep(object, "a,b,ab,e"), object);
    CHECK_STR(keep(object, "c"), "{}");
    CHECK_STR(keep(object, ",,"), "{}");
    CHECK_STR(keep("{}", "a"), "{}");
}

static bool match(const char *object, const char *name, const char *value)
{
    size_t len = strlen(object);
    char *copy = malloc(len);
    bool is;

    memcpy(copy, object, len);
    is = json_members_match(copy, len, name, value);
    free(copy);
    return is;
}

TEST(compares_values)
{
    const char *object = "{\"s\":\"run\",\"n\":12,\"b\":true,\"z\":null,\"o\":{\"s\":\"in\"},\"t\":"
                         "[\"a,b\",\"c\",3]}";

    CHECK(match(object, "s", "run"));
    CHECK(!match(object, "s", "ru"));
    CHECK(!match(object, "s", "in"));
    CHECK(match(object, "n", "12"));
    CHECK(match(object, "b", "true"));
    CHECK(match(object, "z", "null"));
    CHECK(match(object, "t", "a,b"));
    CHECK(match(object, "t", "c"));
    CHECK(!match(object, "t", "a"));
    CHECK(!match(object, "x", "run"));
    CHECK(!match("{}", "x", ""));
}
