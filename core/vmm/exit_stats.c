/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit counters: bucket i holds exits that took from 2^i to 2^(i+1) - 1 ns. */
#include "core/vmm/exit_stats.h"

#include "core/lib/compiler.h"

void exit_stat_add(struct exit_stat *sum, const struct exit_stat *more)
{
    sum->count += more->count;
    sum->total_ns += more->total_ns;
    for (u32 i = 0; i < EXIT_BUCKETS; i++)
        sum->bucket[i] += more->bucket[i];
}

u64 exit_stat_percentile(const struct exit_stat *stat, u32 percent)
{
    u64 total = 0;
    u64 seen = 0;

    for (u32 i = 0; i < EXIT_BUCKETS; i++)
        total += stat->bucket[i];
    if (total == 0)
        return 0;
    for (u32 i = 0; i < EXIT_BUCKETS; i++) {
        seen += stat->bucket[i];
        if (seen * 100 >= total * percent)
            return BIT(i + 1) - 1;
    }
    return BIT(EXIT_BUCKETS) - 1;
}
