/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/etag.c mgmt/json/json_write.c core/lib/date.c core/lib/printf.c */
/* Entity tags: a list names what it says and nothing else; counters are not in the digest. */
#include "tests/unit/harness.h"

#include <string.h>

#include "mgmt/api/etag.h"
#include "mgmt/json/json.h"

TEST(finds_a_tag_in_a_list)
{
    CHECK(etag_listed("\"2a\"", 0x2a, false));
    CHECK(etag_listed(" \"1\" , \"2a\"", 0x2a, false));
    CHECK(etag_listed("\"1\",\"2a\",", 0x2a, false));
    CHECK(etag_listed("*", 0x2a, false));
    CHECK(etag_listed(" * ", 0, false));
}

TEST(names_nothing_else)
{
    static const char *const others[] = {
        "",        "\"2\"",    "2a",    "\"2a",           "2a\"",       "\"12a\"",
        "\"2a1\"", "*, \"1\"", "\"*\"", "\"1\" x \"2a\"", "\"1,\"2a\"",
    };

    for (u32 i = 0; i < ARRAY_SIZE(others); i++)
        CHECK(!etag_listed(others[i], 0x2a, true));
    CHECK(!etag_listed("\"0\"", 0, true)); /* what has no tag is named by no list */
}

TEST(weak_tags_count_for_reading_only)
{
    CHECK(etag_listed("W/\"2a\"", 0x2a, true));
    CHECK(!etag_listed("W/\"2a\"", 0x2a, false));
    CHECK(etag_listed("W/\"2a\", \"2a\"", 0x2a, false));
}

/* The digest of an object as one of the API's is written. */
static u64 digest_of(u64 size, u64 used, bool in_list)
{
    struct json_writer w;
    char buf[100];

    json_write_init(&w, buf, sizeof(buf));
    if (in_list)
        json_array_begin(&w);
    json_object_begin(&w);
    json_put_u64(&w, "size_bytes", size);
    json_counters_follow(&w);
    json_put_u64(&w, "used_bytes", used);
    json_object_end(&w);
    return w.counters_at ? etag_digest(buf, w.counters_at) : 0;
}

TEST(counters_are_not_in_it)
{
    CHECK_EQ(digest_of(1, 2, false), digest_of(1, 3, false));
    CHECK(digest_of(1, 2, false) != digest_of(2, 2, false));
    CHECK_EQ(digest_of(1, 2, true), 0);
    CHECK(etag_digest("", 0) != 0);
}
