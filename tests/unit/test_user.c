/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/user.c mgmt/auth/login.c mgmt/auth/limiter.c mgmt/auth/token.c
 * mgmt/auth/role.c core/lib/hex.c core/lib/siphash.c core/lib/sha256.c core/lib/str.c
 * core/lib/printf.c
 */
/* Users: what they limit, who is the last administrator, and whom wrong passwords slow down. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/auth/login.h"
#include "mgmt/auth/user.h"

#define S 1000000000ull

static struct user_store users;
static struct token_store tokens;
static struct login_table logins;
static struct limiter limiter;

static int counting(void *dst, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((u8 *)dst)[i] = (u8)(i + 1);
    return 0;
}

static int broken(void *dst, size_t bytes)
{
    (void)dst;
    (void)bytes;
    return -EIO;
}

static void reset(void)
{
    memset(&users, 0, sizeof(users));
    memset(&tokens, 0, sizeof(tokens));
    memset(&logins, 0, sizeof(logins));
    memset(&limiter, 0, sizeof(limiter));
    CHECK_EQ(login_init(&logins, counting), 0);
}

static const struct user *put(const char *name, enum role role, u32 iterations)
{
    struct user user = {.role = role, .password.iterations = iterations};

    snprintf(user.name, sizeof(user.name), "%s", name);
    CHECK_EQ(user_put(&users, &user), 0);
    return user_find(&users, name);
}

static void add_token(const char *id, const char *name, enum role role)
{
    struct token token = {.role = role};

    snprintf(token.id, sizeof(token.id), "%s", id);
    snprintf(token.user, sizeof(token.user), "%s", name);
    CHECK_EQ(token_add(&tokens, &token, 1), 0);
}

TEST(users_come_change_and_go)
{
    struct user nobody = {.role = ROLE_VIEWER}, without = {.name = "x"};
    char name[8];
    u32 version;

    reset();
    version = put("olga", ROLE_VIEWER, 0)->version;
    CHECK(put("olga", ROLE_ADMIN, 0)->version != version);
    CHECK_EQ(user_find(&users, "olga")->role, ROLE_ADMIN);
    CHECK(user_find(&users, "") == NULL);
    CHECK_EQ(user_put(&users, &nobody), -EINVAL);
    CHECK_EQ(user_put(&users, &without), -EINVAL);
    for (u32 i = 1; i < USERS_MAX; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        (void)put(name, ROLE_VIEWER, 0);
    }
    strcpy(nobody.name, "late");
    CHECK_EQ(user_put(&users, &nobody), -ENOSPC);
    CHECK_EQ(user_remove(&users, "olga"), 0);
    CHECK_EQ(user_remove(&users, "olga"), -ENOENT);
    CHECK_EQ(user_remove(&users, ""), -ENOENT);
    version = users.last_version;
    CHECK_EQ(user_put(&users, &nobody), 0);
    CHECK(user_find(&users, "late")->version > version); /* none comes twice */
}

TEST(a_user_limits_his_tokens)
{
    reset();
    CHECK_EQ(user_limit(&users, "olga", ROLE_ADMIN), ROLE_ADMIN); /* no user of that name */
    (void)put("olga", ROLE_OPERATOR, 0);
    CHECK_EQ(user_limit(&users, "olga", ROLE_ADMIN), ROLE_OPERATOR);
    CHECK_EQ(user_limit(&users, "olga", ROLE_VIEWER), ROLE_VIEWER);
}

TEST(the_last_administrator)
{
    reset();
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, NULL));
    add_token("t1", "olga", ROLE_ADMIN);
    CHECK(user_has_admin(&users, &tokens, 1, NULL, NULL));
    CHECK(!user_has_admin(&users, &tokens, 1, "t1", NULL));
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, "olga"));
    tokens.tokens[0].expires_unix_ns = 5;
    CHECK(!user_has_admin(&users, &tokens, 5, NULL, NULL));
    tokens.tokens[0].expires_unix_ns = 0;
    tokens.tokens[0].scope.count = 1; /* for some VMs only */
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, NULL));
    tokens.tokens[0].scope.count = 0;
    (void)put("olga", ROLE_OPERATOR, 0); /* what she has is an operator's now */
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, NULL));
    (void)put("bea", ROLE_ADMIN, 0); /* without a way to come in */
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, NULL));
    (void)put("bea", ROLE_ADMIN, 1);
    CHECK(user_has_admin(&users, &tokens, 1, NULL, NULL));
    CHECK(!user_has_admin(&users, &tokens, 1, NULL, "bea"));
    (void)put("bea", ROLE_ADMIN, 0);
    users.users[1].cert_count = 1;
    CHECK(user_has_admin(&users, &tokens, 1, NULL, NULL));
}

TEST(passwords)
{
    struct password_hash hash;
    char text[256], zeros[65];

    memset(text, 'x', sizeof(text));
    text[129] = '\0';
    CHECK(!password_is_allowed(text));
    text[128] = '\0';
    CHECK(password_is_allowed(text));
    CHECK(password_is_allowed("12345678") && !password_is_allowed("1234567"));
    CHECK(password_is_allowed("p\xc3\xa4ssword") && !password_is_allowed("pass\nword"));
    memset(zeros, '0', 64);
    zeros[64] = '\0';
    snprintf(text, sizeof(text), "pbkdf2-sha256$10000$%.32s$%s", zeros, zeros);
    CHECK(password_parse(text, &hash));
    CHECK_EQ(hash.iterations, 10000);
    text[strlen(text) - 1] = '\0';
    CHECK(!password_parse(text, &hash));
    snprintf(text, sizeof(text), "pbkdf2-sha256$9999$%.32s$%s", zeros, zeros);
    CHECK(!password_parse(text, &hash));
    snprintf(text, sizeof(text), "pbkdf2-sha256$99999999999$%.32s$%s", zeros, zeros);
    CHECK(!password_parse(text, &hash));
    snprintf(text, sizeof(text), "pbkdf2-sha256$10000$%.30s$%s0", zeros, zeros);
    CHECK(!password_parse(text, &hash));
    CHECK(!password_parse("", &hash) && !password_parse("pbkdf2-sha256$10000$", &hash));
}

TEST(certificates_are_named)
{
    char dst[USER_CERT_MAX + 1], text[256];

    reset();
    CHECK(user_cert_parse("olga@example.org", dst));
    CHECK_STR(dst, "olga@example.org");
    for (u32 i = 0; i < 32; i++)
        sprintf(text + 3 * i, "A%x:", i % 16);
    text[95] = '\0';
    CHECK(user_cert_parse(text, dst));
    CHECK_EQ(strlen(dst), 64);
    CHECK(strncmp(dst, "a0a1a2", 6) == 0);
    CHECK(!user_cert_parse("", dst) && !user_cert_parse("a b", dst));
    memset(text, 'n', USER_CERT_MAX + 1);
    text[USER_CERT_MAX + 1] = '\0';
    CHECK(!user_cert_parse(text, dst));
    (void)put("olga", ROLE_VIEWER, 0);
    CHECK(user_of_cert(&users, "") == NULL);
}

static u32 try_from(u64 source, const char *name, u64 now, struct login_attempt *attempt)
{
    login_begin(&logins, source, name, attempt);
    return login_charge(&limiter, attempt, now);
}

TEST(right_passwords_cost_nothing)
{
    struct login_attempt attempt;
    const struct user *olga;

    reset();
    olga = put("olga", ROLE_VIEWER, 1);
    for (u32 i = 0; i < 100; i++) {
        CHECK_EQ(try_from(7, "olga", S, &attempt), 0);
        login_succeed(&logins, &limiter, &attempt, olga, "secret", S);
    }
    CHECK(login_is_fresh(&logins, olga, "secret", S));
    CHECK(login_is_fresh(&logins, olga, "secret", (LOGIN_CACHE_S + 1) * S - 1));
    CHECK(!login_is_fresh(&logins, olga, "secret", (LOGIN_CACHE_S + 1) * S));
    CHECK(!login_is_fresh(&logins, olga, "Secret", S));
    olga = put("olga", ROLE_VIEWER, 2);
    CHECK(!login_is_fresh(&logins, olga, "secret", S)); /* he has changed */
    CHECK_EQ(login_init(&logins, broken), 0);           /* once is enough */
}

TEST(guessing_from_everywhere_does_not_keep_the_owner_out_at_home)
{
    struct login_attempt attempt;
    const struct user *olga;
    u32 tried = 0;

    reset();
    olga = put("olga", ROLE_ADMIN, 1);
    CHECK_EQ(try_from(7, "olga", S, &attempt), 0);
    login_succeed(&logins, &limiter, &attempt, olga, "secret", S);
    for (u64 source = 100; source < 1100;
         source++) /* one guess from each of a thousand addresses */
        tried += try_from(source, "olga", S, &attempt) == 0;
    CHECK_EQ(tried, LIMITER_BURST);
    for (u32 i = 0; i < 100; i++) /* and many from the owner's own, for others */
        (void)try_from(7, "bea", S, &attempt);
    CHECK(try_from(7, "bea", S, &attempt) > 0);
    CHECK_EQ(try_from(7, "olga", S, &attempt), 0);
    CHECK(attempt.is_known);
    for (u32 i = 1; i < LIMITER_BURST; i++)
        CHECK_EQ(try_from(7, "olga", S, &attempt), 0);
    CHECK(try_from(7, "olga", S, &attempt) > 0); /* at home, too, guesses are slowed down */
    CHECK(try_from(8, "olga", S, &attempt) > 0); /* a new place has to wait */
    CHECK_EQ(try_from(8, "olga", 8 * S, &attempt), 0);
}

TEST(one_address_has_few_guesses_for_all_users)
{
    struct login_attempt attempt;
    char name[8];
    u32 tried = 0;

    reset();
    for (u32 i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        tried += try_from(9, name, S, &attempt) == 0;
    }
    CHECK_EQ(tried, LIMITER_BURST);
    CHECK_EQ(try_from(10, "u1", S, &attempt), 0);
}
