/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hard limit on CPU time as a token bucket, pure: time flows in at a rate and is taken out before
 * it is spent.
 *
 * The bucket holds at most what flows in within TOKEN_PERIOD_NS, so that nobody gets more than the
 * limit over any period but for one period's worth saved up. Time is taken in chunks and what was
 * not used is put back: several vCPUs share one bucket without any of them keeping much of it.
 * Who ran longer than its chunk leaves a debt, which is paid before the next chunk is given.
 */
#ifndef SOCLE_KERN_TOKEN_BUCKET_H
#define SOCLE_KERN_TOKEN_BUCKET_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define TOKEN_PERIOD_NS 100000000ull
#define TOKEN_CHUNK_NS  5000000ull

struct token_bucket {
    u32 millicpu; /* thousandths of one CPU, at least 1 */
    u32 fraction; /* of a nanosecond, in thousandths, not yet in tokens_ns */
    s64 tokens_ns;
    u64 filled_ns; /* when the flow was last added up */
};

/* Starts full. */
void token_bucket_init(struct token_bucket *b, u32 millicpu, u64 now_ns);

/* From now on another rate; what was saved up beyond its period is lost, a debt stays. */
void token_bucket_set_rate(struct token_bucket *b, u32 millicpu, u64 now_ns);

/* Takes one chunk. Return: the run time given; 0: none before token_bucket_ready_ns. */
u64 token_bucket_take(struct token_bucket *b, u64 now_ns);

/* Puts back what was taken, less what was used of it or beyond it. */
void token_bucket_settle(struct token_bucket *b, u64 taken_ns, u64 used_ns);

/* When the next chunk is there: now_ns if it is. */
u64 token_bucket_ready_ns(struct token_bucket *b, u64 now_ns);

#endif
