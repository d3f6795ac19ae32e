/* SPDX-License-Identifier: BSD-2-Clause */
/* How long something took each time: counts by power of two, from which percentiles are read. */
#ifndef SOCLE_LIB_TIME_STATS_H
#define SOCLE_LIB_TIME_STATS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Bucket i counts what took from 2^i to 2^(i+1) - 1 ns; the first also 0, the last also more. */
#define TIME_BUCKETS 32u

struct time_stats {
    u64 count;
    u64 total_ns;
    u64 bucket[TIME_BUCKETS];
};

static inline void time_stats_count(struct time_stats *stats, u64 ns)
{
    unsigned bucket = ns == 0 ? 0 : 63u - (unsigned)__builtin_clzll(ns);

    stats->count++;
    stats->total_ns += ns;
    stats->bucket[MIN(bucket, TIME_BUCKETS - 1u)]++;
}

void time_stats_add(struct time_stats *sum, const struct time_stats *more);

/* How many took less than 2^exponent ns, which is at most TIME_BUCKETS - 1; with TIME_BUCKETS all.
 */
u64 time_stats_below(const struct time_stats *stats, u32 exponent);

/* Upper bound, in ns, of the bucket below which that share (in percent) of all times lies; 0 if
 * there are none. */
u64 time_stats_percentile(const struct time_stats *stats, u32 percent);

#endif
