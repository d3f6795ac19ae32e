/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/token.c mgmt/auth/role.c core/lib/hex.c core/lib/sha256.c core/lib/str.c
 * core/lib/printf.c
 */
/* Tokens: only the whole right text lets in, secrets are not kept, rights end when they should. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mgmt/auth/token.h"

static struct token_store store;
static char text[TOKEN_TEXT_MAX + 1];
static u16 calls;

static int counting(void *dst, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((u8 *)dst)[i] = (u8)i;
    memcpy(dst, &calls, sizeof(calls));
    calls++;
    return 0;
}

static int stuck(void *dst, size_t bytes)
{
    memset(dst, 7, bytes);
    return 0;
}

static int broken(void *dst, size_t bytes)
{
    memset(dst, 0, bytes);
    return -EIO;
}

static void reset(void)
{
    memset(&store, 0, sizeof(store));
    calls = 0;
}

static const struct token *issue(const char *user, enum role role, u64 expires)
{
    struct token wanted = {.role = role, .expires_unix_ns = expires};
    const struct token *made = NULL;

    strcpy(wanted.user, user);
    CHECK_EQ(token_issue(&store, &wanted, 1, false, counting, text, &made), 0);
    return made;
}

TEST(a_token_lets_in_with_its_whole_text_only)
{
    const struct token *made;
    char other[TOKEN_TEXT_MAX + 8];

    reset();
    made = issue("alice", ROLE_OPERATOR, 0);
    CHECK_STR(text, "socle1.00000203.0405060708090a0b0c0d0e0f10111213");
    CHECK_STR(made->id, "00000203");
    CHECK(token_check(&store, text) == made);
    CHECK_EQ(made->role, ROLE_OPERATOR);
    for (size_t i = 0; i < strlen(text); i++) {
        strcpy(other, text);
        other[i] ^= 1;
        CHECK(token_check(&store, other) == NULL);
        other[i] = '\0';
        CHECK(token_check(&store, other) == NULL);
    }
    strcat(strcpy(other, text), "0");
    CHECK(token_check(&store, other) == NULL);
    CHECK(token_check(&store, "") == NULL);
}

TEST(the_secret_is_not_kept)
{
    const char *secret;

    reset();
    (void)issue("alice", ROLE_ADMIN, 0);
    secret = strrchr(text, '.') + 1;
    for (size_t i = 0; i + TOKEN_SECRET_LEN <= sizeof(store); i++)
        CHECK(memcmp((const char *)&store + i, secret, TOKEN_SECRET_LEN) != 0);
}

/* A slot of zeros must not be what some text's digest is compared with. */
TEST(free_slots_let_nobody_in)
{
    struct token known = {.id = "a", .user = "a", .role = ROLE_VIEWER};

    reset();
    token_digest("socle1.a.b", known.digest);
    CHECK_EQ(token_add(&store, &known, 1), 0);
    CHECK(token_check(&store, "socle1.a.b") != NULL);
    store.tokens[0].id[0] = '\0';
    CHECK(token_check(&store, "socle1.a.b") == NULL);
}

TEST(expiry)
{
    const struct token *made;

    reset();
    made = issue("alice", ROLE_ADMIN, 1000);
    CHECK(token_is_valid(made, 999));
    CHECK(!token_is_valid(made, 1000));
    CHECK_EQ(token_count_of(&store, "alice", 999), 1);
    CHECK_EQ(token_count_of(&store, "alice", 1000), 0);
    CHECK_EQ(token_count_of(&store, "bob", 999), 0);
}

TEST(the_last_slot_is_for_a_claim)
{
    struct token wanted = {.user = "bob", .role = ROLE_VIEWER};
    const struct token *made;

    reset();
    for (u32 i = 0; i < TOKENS_MAX - 1; i++)
        (void)issue("bob", ROLE_VIEWER, i == 5 ? 100 : 0);
    CHECK_EQ(token_issue(&store, &wanted, 1, false, counting, text, &made), -ENOSPC);
    for (size_t i = 0; i < sizeof(text); i++)
        CHECK_EQ(text[i], 0);
    CHECK_EQ(token_issue(&store, &wanted, 1, true, counting, text, &made), 0);
    CHECK_EQ(token_issue(&store, &wanted, 1, true, counting, text, &made), -ENOSPC);
    CHECK_EQ(token_issue(&store, &wanted, 100, false, counting, text, &made), 0); /* the expired */
    CHECK(made == &store.tokens[5]);
}

TEST(removal)
{
    char first[TOKEN_TEXT_MAX + 1];
    const struct token *made;

    reset();
    made = issue("alice", ROLE_ADMIN, 0);
    strcpy(first, text);
    CHECK(token_find(&store, made->id) == made);
    CHECK_EQ(token_remove(&store, "00000203"), 0);
    CHECK(token_check(&store, first) == NULL);
    CHECK(token_find(&store, "00000203") == NULL);
    CHECK_EQ(token_remove(&store, "00000203"), -ENOENT);
    CHECK_EQ(token_remove(&store, ""), -ENOENT); /* free slots have this id */
    CHECK(token_find(&store, "") == NULL);
}

TEST(what_cannot_be_made)
{
    struct token wanted = {.user = "alice", .role = ROLE_VIEWER};
    struct token known = {.id = "x", .user = "x", .role = ROLE_VIEWER};
    const struct token *made;

    reset();
    CHECK_EQ(token_issue(&store, &wanted, 1, false, broken, text, &made), -EIO);
    CHECK_EQ(token_issue(&store, &wanted, 1, false, stuck, text, &made), 0);
    CHECK_EQ(token_issue(&store, &wanted, 1, false, stuck, text, &made), -EIO); /* the same id */
    wanted.role = ROLE_NONE;
    CHECK_EQ(token_issue(&store, &wanted, 1, false, counting, text, &made), -EINVAL);
    wanted = (struct token){.user = "", .role = ROLE_VIEWER};
    CHECK_EQ(token_issue(&store, &wanted, 1, false, counting, text, &made), -EINVAL);
    CHECK_EQ(token_add(&store, &known, 1), 0);
    CHECK_EQ(token_add(&store, &known, 1), -EEXIST);
    known.id[0] = '\0';
    CHECK_EQ(token_add(&store, &known, 1), -EINVAL);
}

TEST(names)
{
    CHECK(token_name_is_valid("a"));
    CHECK(token_name_is_valid("0-9"));
    CHECK(token_name_is_valid("a234567890123456789012345678901"));
    CHECK(!token_name_is_valid("a2345678901234567890123456789012"));
    CHECK(!token_name_is_valid(""));
    CHECK(!token_name_is_valid("-a"));
    CHECK(!token_name_is_valid("A"));
    CHECK(!token_name_is_valid("a b"));
    CHECK(!token_name_is_valid("a\"b"));
}

TEST(roles)
{
    enum role role = ROLE_NONE;

    CHECK(role_parse("admin", &role) && role == ROLE_ADMIN);
    CHECK(role_parse("viewer", &role) && role == ROLE_VIEWER);
    CHECK(!role_parse("none", &role));
    CHECK(!role_parse("", &role));
    CHECK(!role_parse("Admin", &role));
    CHECK_STR(role_name(ROLE_OPERATOR), "operator");
}

TEST(secrets_are_compared_to_the_end)
{
    CHECK(mem_same_secret("abc", "abc", 3));
    CHECK(!mem_same_secret("abc", "abd", 3));
    CHECK(!mem_same_secret("xbc", "abc", 3));
    CHECK(mem_same_secret("abc", "abd", 2));
}
