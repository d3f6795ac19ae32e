/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mgmt/auth/session.c mgmt/auth/token.c mgmt/auth/role.c core/lib/hex.c
 * core/lib/sha256.c core/lib/str.c core/lib/printf.c
 */
/* Sessions: found by their cookie among others, ended by time, and apart from their CSRF secret. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/auth/session.h"

#define S 1000000000ull

static struct session_store store;
static struct session_secrets secrets;
static char header[256];
static u16 calls;

static int counting(void *dst, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((u8 *)dst)[i] = (u8)i;
    memcpy(dst, &calls, sizeof(calls));
    calls++;
    return 0;
}

static int broken(void *dst, size_t bytes)
{
    memset(dst, 0, bytes);
    return -EIO;
}

static struct session *begin(const char *token, u64 now_ns)
{
    struct session whose = {0};

    strcpy(whose.token, token);
    CHECK_EQ(session_begin(&store, &whose, now_ns, counting, &secrets), 0);
    snprintf(header, sizeof(header), "__Host-socle=%s", secrets.cookie);
    return session_check(&store, header, now_ns);
}

TEST(the_cookie_is_found_among_others)
{
    struct session *session;
    char many[512];

    memset(&store, 0, sizeof(store));
    session = begin("abc", 5 * S);
    CHECK(session != NULL && strcmp(session->token, "abc") == 0);
    snprintf(many, sizeof(many), "a=b; x__Host-socle=1; %s; c=d", header);
    CHECK(session_check(&store, many, 5 * S) == session);
    snprintf(many, sizeof(many), "x%s", header);
    CHECK(session_check(&store, many, 5 * S) == NULL);
    snprintf(many, sizeof(many), "%s0", header);
    CHECK(session_check(&store, many, 5 * S) == NULL);
    header[strlen(header) - 1] ^= 1;
    CHECK(session_check(&store, header, 5 * S) == NULL);
    header[strlen(header) - 1] = '\0';
    CHECK(session_check(&store, header, 5 * S) == NULL);
    CHECK(session_check(&store, "", 5 * S) == NULL);
    CHECK(session_check(&store, ";;; ;=", 5 * S) == NULL);
    CHECK(session_check(&store, "__Host-socle=", 5 * S) == NULL);
}

TEST(the_csrf_secret_is_another_one)
{
    struct session *session;

    memset(&store, 0, sizeof(store));
    session = begin("abc", 5 * S);
    CHECK(strcmp(secrets.cookie, secrets.csrf) != 0);
    CHECK(session_csrf_matches(session, secrets.csrf));
    CHECK(!session_csrf_matches(session, secrets.cookie));
    CHECK(!session_csrf_matches(session, ""));
    CHECK(!session_csrf_matches(session, NULL));
}

TEST(sessions_end)
{
    u64 now = 5 * S;

    memset(&store, 0, sizeof(store));
    CHECK(begin("abc", now) != NULL);
    CHECK(session_check(&store, header, now += SESSION_IDLE_S * S - 1) != NULL);
    CHECK(session_check(&store, header, now += SESSION_IDLE_S * S - 1) != NULL);
    CHECK(session_check(&store, header, now + SESSION_IDLE_S * S) == NULL);
    CHECK(begin("abc", now = 5 * S) != NULL);
    for (u32 i = 0; i < SESSION_LIFE_S / SESSION_IDLE_S * 2 - 1; i++)
        CHECK(session_check(&store, header, now += SESSION_IDLE_S / 2 * S) != NULL);
    CHECK(session_check(&store, header, now + SESSION_IDLE_S / 2 * S) == NULL);
    CHECK(begin("abc", now) != NULL);
    session_end_all(&store, "xyz");
    CHECK(session_check(&store, header, now) != NULL);
    session_end_all(&store, "abc");
    CHECK(session_check(&store, header, now) == NULL);
    CHECK(begin("abc", now) != NULL);
    session_end(session_check(&store, header, now));
    CHECK(session_check(&store, header, now) == NULL);
    CHECK_EQ(session_begin(&store, &(struct session){.token = "abc"}, now, broken, &secrets), -EIO);
}

/* Streams go on as long as the session they came in by: not after it has ended, and not by another
 * one in its place. */
TEST(streams_go_on_with_their_session)
{
    u64 now = 5 * S;

    memset(&store, 0, sizeof(store));
    CHECK(begin("abc", now) != NULL);
    CHECK(session_goes_on(&store, 5 * S, now));
    CHECK(!session_goes_on(&store, 6 * S, now));
    CHECK(session_goes_on(&store, 5 * S, now + SESSION_LIFE_S * S - 1));
    CHECK(!session_goes_on(&store, 5 * S, now + SESSION_LIFE_S * S));
    CHECK(session_goes_on(&store, 5 * S, now + SESSION_IDLE_S * S - 1));
    now += SESSION_IDLE_S * S; /* the open stream was its use */
    CHECK(session_check(&store, header, now) != NULL);
    session_end_all(&store, "abc");
    CHECK(!session_goes_on(&store, 5 * S, now));
    CHECK(begin("abc", now + 1) != NULL);
    CHECK(!session_goes_on(&store, 5 * S, now + 1));
    session_end(session_check(&store, header, now + 1));
    CHECK(!session_goes_on(&store, 0, now + 1)); /* free slots are no sessions */
}

TEST(a_new_one_takes_the_place_of_the_longest_unused)
{
    char first[256];

    memset(&store, 0, sizeof(store));
    CHECK(begin("abc", 5 * S) != NULL);
    strcpy(first, header);
    for (u32 i = 1; i < SESSIONS_MAX; i++)
        CHECK(begin("abc", (5 + i) * S) != NULL);
    CHECK(session_check(&store, first, 100 * S) != NULL);
    CHECK(begin("xyz", 101 * S) != NULL);
    CHECK(session_check(&store, first, 101 * S) != NULL);
    CHECK(strcmp(store.sessions[1].token, "xyz") == 0);
}

TEST(a_session_may_be_a_users)
{
    struct session whose = {.user = "olga", .version = 3};
    struct session *session;

    memset(&store, 0, sizeof(store));
    CHECK_EQ(session_begin(&store, &whose, S, counting, &secrets), 0);
    snprintf(header, sizeof(header), "__Host-socle=%s", secrets.cookie);
    session = session_check(&store, header, S);
    CHECK(session && session->version == 3 && session->token[0] == '\0');
    CHECK(session && strcmp(session->user, "olga") == 0);
    session_end_all(&store, "olga"); /* that is no token */
    CHECK(session_goes_on(&store, S, S));
}
