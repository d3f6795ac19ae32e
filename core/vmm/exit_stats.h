/* SPDX-License-Identifier: BSD-2-Clause */
/* Adding up exit counters and reading percentiles off their buckets. */
#ifndef SOCLE_VMM_EXIT_STATS_H
#define SOCLE_VMM_EXIT_STATS_H

#include "core/vm/vcpu.h"

void exit_stat_add(struct exit_stat *sum, const struct exit_stat *more);

/* Upper bound, in ns, of the bucket below which that share (in percent) of all exits lies. */
u64 exit_stat_percentile(const struct exit_stat *stat, u32 percent);

#endif
