/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/similar.c core/lib/printf.c core/lib/str.c */
/* Similar names: mistakes are counted, the nearest come first, others not at all. */
#include "tests/unit/harness.h"

#include <string.h>

#include "mgmt/api/similar.h"

TEST(counts_mistakes)
{
    CHECK_EQ(similar_distance("web1", "web1", 3), 0);
    CHECK_EQ(similar_distance("web1", "web2", 3), 1);
    CHECK_EQ(similar_distance("wbe1", "web1", 3), 1);
    CHECK_EQ(similar_distance("web", "web1", 3), 1);
    CHECK_EQ(similar_distance("web1", "eb1", 3), 1);
    CHECK_EQ(similar_distance("kitten", "sitting", 3), 3);
    CHECK_EQ(similar_distance("", "ab", 3), 2);
    CHECK_EQ(similar_distance("abcdefgh", "zyxwvuts", 3), 4);
}

TEST(names_as_long_as_they_may_be)
{
    char a[SIMILAR_NAME_MAX + 1], b[SIMILAR_NAME_MAX + 2];

    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    a[SIMILAR_NAME_MAX] = '\0';
    b[SIMILAR_NAME_MAX + 1] = '\0';
    CHECK_EQ(similar_distance(a, a, 3), 0);
    CHECK_EQ(similar_distance(a, b, 3), 4); /* no name of ours */
}

TEST(the_nearest_come_first)
{
    static const char *const names[] = {"web22", "db1", "web", "web11", "webserver", "ewb1", "w"};
    struct similar similar = {0};
    char text[256];

    for (u32 i = 0; i < ARRAY_SIZE(names); i++)
        similar_offer(&similar, "web1", names[i]);
    CHECK_STR(similar_text(&similar, text, sizeof(text)), "web, web11, ewb1");
}

TEST(what_has_nothing_in_common_is_not_like_it)
{
    struct similar similar = {0};
    char text[8] = "x";

    similar_offer(&similar, "a", "b");
    similar_offer(&similar, "", "b");
    similar_offer(&similar, "ab", "xy");
    CHECK_STR(similar_text(&similar, text, sizeof(text)), "");
}
