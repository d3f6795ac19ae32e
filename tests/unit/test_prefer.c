/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/prefer.c */
/* Prefer: `wait` is found among others, and what is malformed asks for nothing. */
#include "tests/unit/harness.h"

#include "mgmt/api/prefer.h"

TEST(finds_the_time)
{
    CHECK_EQ(prefer_wait_s("wait=30"), 30);
    CHECK_EQ(prefer_wait_s("respond-async, wait=10"), 10);
    CHECK_EQ(prefer_wait_s("Wait = \"5\" ; x=1, foo"), 5);
    CHECK_EQ(prefer_wait_s("handling=lenient,wait=7,wait=9"), 7);
    CHECK_EQ(prefer_wait_s("wait=99999999999999999999"), PREFER_WAIT_S_MAX);
}

TEST(asks_for_nothing)
{
    static const char *const none[] = {
        "",         "respond-async", "wait",    "wait=",  "wait=x", "wait=5s",
        "wait=\"5", "waiting=5",     "await=5", "wait=0", ",,",
    };

    CHECK_EQ(prefer_wait_s(NULL), 0);
    for (u32 i = 0; i < ARRAY_SIZE(none); i++)
        CHECK_EQ(prefer_wait_s(none[i]), 0);
}
