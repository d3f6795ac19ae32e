/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/auth/credentials.c core/lib/base64.c core/lib/str.c */
#include "mgmt/auth/credentials.h"

#include <string.h>

#include "tests/unit/harness.h"

TEST(schemes)
{
    CHECK(strcmp(credentials_of("Bearer x", "bearer"), "x") == 0);
    CHECK(strcmp(credentials_of("bEaReR   x y", "bearer"), "x y") == 0);
    CHECK(strcmp(credentials_of("basic ", "basic"), "") == 0);
    CHECK(!credentials_of("Bearerx", "bearer"));
    CHECK(!credentials_of("Bearer", "bearer"));
    CHECK(!credentials_of("Bear", "bearer"));
    CHECK(!credentials_of("", "bearer"));
    CHECK(!credentials_of("Basic x", "bearer"));
}

static bool is(const char *text, const char *name, const char *password)
{
    struct credentials_basic basic;

    return credentials_basic(text, &basic) && strcmp(basic.name, name) == 0 &&
           strcmp(basic.password, password) == 0;
}

/* RFC 7617 2: the first colon ends the name. */
TEST(names_and_passwords)
{
    CHECK(is("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"));
    CHECK(is("QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame"));
    CHECK(is("dGVzdDoxMjPCow==", "test", "123\xc2\xa3"));
    CHECK(is("YTpiOmM=", "a", "b:c"));
    CHECK(is("Og==", "", ""));
}

TEST(what_are_none)
{
    struct credentials_basic basic;
    char text[2 * BASIC_MAX];

    CHECK(!credentials_basic("", &basic));
    CHECK(!credentials_basic("YWJj", &basic));      /* abc: no colon */
    CHECK(!credentials_basic("YTpi YTpi", &basic)); /* a blank */
    CHECK(!credentials_basic("YTpi=x", &basic));
    CHECK(!credentials_basic("YTpiAA==", &basic)); /* a:b and NUL */
    memset(text, 0, sizeof(text));
    for (size_t i = 0; i + 4 <= (BASIC_MAX + 3) / 3 * 4; i += 4)
        memcpy(text + i, "YTpi", 4);
    CHECK(!credentials_basic(text, &basic) == ((BASIC_MAX + 3) / 3 * 3 > BASIC_MAX));
    memcpy(text + strlen(text), "YTpi", 4);
    CHECK(!credentials_basic(text, &basic));
}
