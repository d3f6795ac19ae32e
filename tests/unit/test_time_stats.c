/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/lib/time_stats.c */
/* Counts, sums and percentiles of times. */
#include "tests/unit/harness.h"

#include "core/lib/time_stats.h"

TEST(percentiles_are_bucket_bounds)
{
    struct time_stats s = {.count = 100};

    CHECK_EQ(time_stats_percentile(&s, 50), 0);
    s.bucket[9] = 98; /* 512..1023 ns */
    s.bucket[20] = 2;
    CHECK_EQ(time_stats_percentile(&s, 50), 1023);
    CHECK_EQ(time_stats_percentile(&s, 98), 1023);
    CHECK_EQ(time_stats_percentile(&s, 99), (1u << 21) - 1);
}

TEST(counts_by_power_of_two)
{
    struct time_stats s = {.count = 0};

    time_stats_count(&s, 0);
    time_stats_count(&s, 1);
    time_stats_count(&s, 4095);
    time_stats_count(&s, 4096);
    time_stats_count(&s, BIT(40));
    CHECK_EQ(s.count, 5);
    CHECK_EQ(s.total_ns, 1 + 4095 + 4096 + BIT(40));
    CHECK_EQ(s.bucket[0], 2);
    CHECK_EQ(s.bucket[11], 1);
    CHECK_EQ(s.bucket[12], 1);
    CHECK_EQ(s.bucket[TIME_BUCKETS - 1], 1);
}

TEST(adds_up)
{
    struct time_stats a = {.count = 1, .total_ns = 10, .bucket = {[3] = 1}};
    struct time_stats b = {.count = 2, .total_ns = 30, .bucket = {[3] = 1, [4] = 1}};

    time_stats_add(&a, &b);
    CHECK_EQ(a.count, 3);
    CHECK_EQ(a.total_ns, 40);
    CHECK_EQ(a.bucket[3], 2);
    CHECK_EQ(a.bucket[4], 1);
}

TEST(sums_from_below)
{
    struct time_stats s = {.bucket = {[0] = 1, [9] = 2, [10] = BIT(40), [TIME_BUCKETS - 1] = 8}};

    CHECK_EQ(time_stats_below(&s, 0), 0);
    CHECK_EQ(time_stats_below(&s, 9), 1);
    CHECK_EQ(time_stats_below(&s, 10), 3); /* 512 to 1023 ns are below 1024 */
    CHECK_EQ(time_stats_below(&s, TIME_BUCKETS - 1), BIT(40) + 3);
    CHECK_EQ(time_stats_below(&s, TIME_BUCKETS), BIT(40) + 11);
}
