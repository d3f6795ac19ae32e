/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of counted times, and percentiles read off their buckets. */
#include "core/lib/time_stats.h"

void time_stats_add(struct time_stats *sum, const struct time_stats *more)
{
    sum->count += more->count;
    sum->total_ns += more->total_ns;
    for (u32 i = 0; i < TIME_BUCKETS; i++)
        sum->bucket[i] += more->bucket[i];
}

u64 time_stats_below(const struct time_stats *stats, u32 exponent)
{
    u64 sum = 0;

    for (u32 i = 0; i < exponent; i++)
        sum += stats->bucket[i];
    return sum;
}

u64 time_stats_percentile(const struct time_stats *stats, u32 percent)
{
    u64 total = time_stats_below(stats, TIME_BUCKETS);
    u64 seen = 0;

    if (total == 0)
        return 0;
    for (u32 i = 0; i < TIME_BUCKETS; i++) {
        seen += stats->bucket[i];
        if (seen * 100 >= total * percent)
            return BIT(i + 1) - 1;
    }
    return BIT(TIME_BUCKETS) - 1;
}
