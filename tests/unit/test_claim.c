/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/auth/claim.c mgmt/auth/limiter.c core/lib/str.c */
/* Claim codes forgive what people do to them and nothing else; wrong guesses run out. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/auth/claim.h"
#include "mgmt/auth/limiter.h"

#define S 1000000000ull

static struct claim claim;
static struct limiter limiter;

static int counting(void *dst, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((u8 *)dst)[i] = (u8)(i + 230);
    return 0;
}

static int broken(void *dst, size_t bytes)
{
    memset(dst, 0, bytes);
    return -EIO;
}

TEST(a_code_is_made_and_shown_in_groups)
{
    CHECK_EQ(claim_make(&claim, counting), 0);
    CHECK_STR(claim.shown, "6789-ABCD-EFGH");
    CHECK(claim_matches(&claim, claim.shown));
    CHECK(claim_matches(&claim, "6789ABCDEFGH"));
    CHECK(claim_matches(&claim, " 6789-abcd efgh "));
    CHECK(!claim_matches(&claim, "6789-ABCD-EFGJ"));
    CHECK(!claim_matches(&claim, "6789-ABCD-EFG"));
    CHECK(!claim_matches(&claim, "6789-ABCD-EFGH-J"));
    CHECK(!claim_matches(&claim, ""));
    CHECK(!claim_matches(&claim, "6789_ABCD_EFGH"));
    claim_end(&claim);
    CHECK(!claim_matches(&claim, "6789-ABCD-EFGH"));
    CHECK(!claim_matches(&claim, ""));
    CHECK_STR(claim.shown, "");
}

TEST(without_random_numbers_there_is_no_code)
{
    CHECK_EQ(claim_make(&claim, broken), -EIO);
    CHECK(!claim_matches(&claim, "000000000000"));
    CHECK(!claim_matches(&claim, ""));
}

TEST(a_code_may_be_given)
{
    char longest[CLAIM_CODE_MAX + 2];

    CHECK_EQ(claim_set(&claim, "rack-7-o1l-secret"), 0);
    CHECK_STR(claim.shown, "");
    CHECK(claim_matches(&claim, "RACK70IL5ECRET") == false);
    CHECK(claim_matches(&claim, "RACK-7-OIL-SECRET"));
    CHECK(claim_matches(&claim, "rack7011secret"));
    CHECK_EQ(claim_set(&claim, "too-short"), -EINVAL);
    CHECK(!claim_matches(&claim, "too-short"));
    CHECK_EQ(claim_set(&claim, "no.dots.allowed"), -EINVAL);
    memset(longest, 'A', sizeof(longest));
    longest[CLAIM_CODE_MAX] = '\0';
    CHECK_EQ(claim_set(&claim, longest), 0);
    longest[CLAIM_CODE_MAX] = 'A';
    longest[CLAIM_CODE_MAX + 1] = '\0';
    CHECK(!claim_matches(&claim, longest));
    CHECK_EQ(claim_set(&claim, longest), -EINVAL);
}

TEST(guesses_run_out_and_come_back)
{
    u64 now = 5 * S;

    memset(&limiter, 0, sizeof(limiter));
    for (u32 i = 0; i < LIMITER_BURST; i++)
        CHECK_EQ(limiter_fail(&limiter, 1, now), 0);
    CHECK_EQ(limiter_fail(&limiter, 1, now), LIMITER_EACH_S);
    CHECK_EQ(limiter_fail(&limiter, 2, now), 0); /* another source */
    now += LIMITER_EACH_S * S - 1;
    CHECK_EQ(limiter_fail(&limiter, 1, now), 1); /* refused ones cost nothing */
    now += 1;
    CHECK_EQ(limiter_fail(&limiter, 1, now), 0);
    CHECK(limiter_fail(&limiter, 1, now) > 0);
    now += (LIMITER_BURST + 5) * LIMITER_EACH_S * S;
    for (u32 i = 0; i < LIMITER_BURST; i++)
        CHECK_EQ(limiter_fail(&limiter, 1, now), 0);
    CHECK(limiter_fail(&limiter, 1, now) > 0);
}

TEST(many_sources_do_not_lift_the_limit_of_one_that_goes_on)
{
    u64 now = S;

    memset(&limiter, 0, sizeof(limiter));
    for (u32 i = 0; i < LIMITER_BURST; i++)
        CHECK_EQ(limiter_fail(&limiter, 1, now), 0);
    for (u64 key = 2; key < 10 * LIMITER_SOURCES; key++)
        CHECK_EQ(limiter_fail(&limiter, key, now), 0);
    CHECK(limiter_fail(&limiter, 1, now) > 0);
}
