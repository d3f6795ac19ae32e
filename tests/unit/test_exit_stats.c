/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vmm/exit_stats.c */
/* Sums and percentiles of exit times. */
#include "tests/unit/harness.h"

#include "core/vmm/exit_stats.h"

TEST(percentiles_are_bucket_bounds)
{
    struct exit_stat s = {.count = 100};

    CHECK_EQ(exit_stat_percentile(&s, 50), 0);
    s.bucket[9] = 98; /* 512..1023 ns */
    s.bucket[20] = 2;
    CHECK_EQ(exit_stat_percentile(&s, 50), 1023);
    CHECK_EQ(exit_stat_percentile(&s, 98), 1023);
    CHECK_EQ(exit_stat_percentile(&s, 99), (1u << 21) - 1);
}

TEST(adds_up)
{
    struct exit_stat a = {.count = 1, .total_ns = 10, .bucket = {[3] = 1}};
    struct exit_stat b = {.count = 2, .total_ns = 30, .bucket = {[3] = 1, [4] = 1}};

    exit_stat_add(&a, &b);
    CHECK_EQ(a.count, 3);
    CHECK_EQ(a.total_ns, 40);
    CHECK_EQ(a.bucket[3], 2);
    CHECK_EQ(a.bucket[4], 1);
}
