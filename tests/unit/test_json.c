/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/json/json_read.c mgmt/json/json_get.c mgmt/json/json_write.c core/lib/date.c
 * core/lib/hex.c core/lib/printf.c */
/* JSON: what RFC 8259 forbids is refused, values come out exact, the writer never overruns. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/json/json.h"

static struct json_doc doc;

/* A heap copy without terminator, so that the sanitizer sees every read past the end. */
static int parse(const char *text)
{
    static char *copy;
    size_t len = strlen(text);

    free(copy);
    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    return json_parse(&doc, copy, len);
}

static const struct json_node *value_of(const char *key)
{
    for (const struct json_node *k = json_first(&doc, json_root(&doc)); k; k = json_next(&doc, k)) {
        if (json_key_is(&doc, k, key))
            return json_first(&doc, k);
    }
    return NULL;
}

TEST(accepts_what_the_grammar_allows)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "[0]",
        "[-0, 1.5e+3]",
        "\"\"",
        "[true,false]",
        "[null]",
        "[1,2,[3,{\"a\":[]}]]",
        "{\"a\":1,\"b\":{\"c\":\"d\"}}",
        "\t{ \"a\" : 1 }\r\n",
        "\"\\u00e9\\n\\\\\\/\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\"",
        "\"\xf0\x9f\x98\x80\"",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK_EQ(parse(good[i]), 0);
}

TEST(refuses_what_the_grammar_forbids)
{
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "+1",
        "0x10",
        "nul",
        "True",
        "tru",
        "truex",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xc3",
        "{} {}",
        "1 2",
        "[1]]",
        "{\"a\":1}x",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[}",
        "{]",
        "{\"a\":[}",
        "[\"a\":1]",
        "{\"a\":1:2}",
        "{\"a\",\"b\"}",
        "{{}}",
        "{[]:1}",
        "[1\x0c]",
        "NaN",
        "[-]",
        "//",
        "{\"a\":\"b\"\"c\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = parse(bad[i]);

        if (rc != -EINVAL)
            fprintf(stderr, "accepted: %s\n", bad[i]);
        CHECK_EQ(rc, -EINVAL);
        CHECK(doc.error != NULL);
    }
    CHECK_EQ(json_parse(&doc, "[1]\0", 4), -EINVAL);
}

TEST(depth_and_size_are_bounded)
{
    static char text[2 * JSON_NODES_MAX + 2];

    memset(text, '[', sizeof(text));
    CHECK(json_parse(&doc, text, sizeof(text)) != 0);
    memset(text, '[', 17);
    memset(text + 17, ']', 17);
    CHECK_EQ(json_parse(&doc, text, 34), 0);
    memset(text, '[', 18);
    memset(text + 18, ']', 18);
    CHECK_EQ(json_parse(&doc, text, 36), -E2BIG);
    text[0] = '[';
    for (size_t i = 1; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "1,", 2);
    CHECK_EQ(json_parse(&doc, text, sizeof(text)), -E2BIG);
}

TEST(values_come_out_exact)
{
    char text[16];
    u64 number = 0;
    bool flag = false;

    CHECK_EQ(parse("{\"s\":\"a\\n\\u00e9\\ud83d\\ude00\",\"n\":18446744073709551615,\"b\":true,"
                   "\"big\":18446744073709551616,\"neg\":-1,\"frac\":1.0,\"nul\":\"\\u0000\"}"),
             0);
    CHECK_EQ(json_get_string(&doc, value_of("s"), text, sizeof(text)), 0);
    CHECK_STR(text, "a\n\xc3\xa9\xf0\x9f\x98\x80");
    CHECK_EQ(json_get_string(&doc, value_of("s"), text, 8), -ERANGE);
    CHECK_EQ(json_get_string(&doc, value_of("s"), text, 9), 0);
    CHECK_EQ(json_get_u64(&doc, value_of("n"), &number), 0);
    CHECK(number == UINT64_MAX);
    CHECK_EQ(json_get_u64(&doc, value_of("big"), &number), -ERANGE);
    CHECK_EQ(json_get_u64(&doc, value_of("neg"), &number), -ERANGE);
    CHECK_EQ(json_get_u64(&doc, value_of("frac"), &number), -EINVAL);
    CHECK_EQ(json_get_u64(&doc, value_of("s"), &number), -EINVAL);
    CHECK_EQ(json_get_bool(&doc, value_of("b"), &flag), 0);
    CHECK(flag);
    CHECK_EQ(json_get_string(&doc, value_of("nul"), text, sizeof(text)), -EINVAL);
}

TEST(pointers_name_the_place)
{
    const struct json_node *node;
    char text[64];

    CHECK_EQ(parse("{\"x\":1,\"a/b~\":[10,{\"c\":true}]}"), 0);
    node = json_next(&doc, json_first(&doc, value_of("a/b~")));
    json_pointer(&doc, node, text, sizeof(text));
    CHECK_STR(text, "/a~1b~0/1");
    json_pointer(&doc, json_first(&doc, json_first(&doc, node)), text, sizeof(text));
    CHECK_STR(text, "/a~1b~0/1/c");
    json_pointer(&doc, json_root(&doc), text, sizeof(text));
    CHECK_STR(text, "");
    json_pointer(&doc, node, text, 5);
    CHECK(strlen(text) < 5);
    json_excerpt(&doc, node, text, 6);
    CHECK_STR(text, "{\"c\":");
}

TEST(writer_escapes_and_separates)
{
    struct json_writer w;
    char buf[200];

    json_write_init(&w, buf, sizeof(buf));
    json_object_begin(&w);
    json_put_string(&w, "a", "q\"b\\n\n\x01\xff\xc3\xa9\x0b");
    json_key(&w, "l");
    json_array_begin(&w);
    json_u64(&w, 1);
    json_object_begin(&w);
    json_object_end(&w);
    json_bool(&w, false);
    json_array_end(&w);
    json_put_bool(&w, "t", true);
    json_object_end(&w);
    buf[w.len] = '\0';
    CHECK_STR(buf, "{\"a\":\"q\\\"b\\\\n\\n\\u0001\xef\xbf\xbd\xc3\xa9\\u000b\",\"l\":[1,{},false],"
                   "\"t\":true}");
    CHECK_EQ(json_parse(&doc, buf, w.len), 0);
}

TEST(writer_stops_at_its_bound)
{
    for (size_t size = 0; size < 40; size++) {
        char *buf = malloc(size ? size : 1);
        struct json_writer w;

        json_write_init(&w, buf, size);
        json_object_begin(&w);
        json_put_string(&w, "key", "a\nlong\x01value");
        json_put_u64(&w, "n", 12345);
        json_object_end(&w);
        CHECK(w.len <= size);
        CHECK(w.overflow == (size < 38));
        free(buf);
    }
}
