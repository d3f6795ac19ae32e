/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of the token bucket. */
#include "core/kern/token_bucket.h"

#define FLOW_MAX_NS (3600 * NS_PER_S) /* keeps the product in 64 bits; no debt lasts as long */

static s64 capacity(const struct token_bucket *b)
{
    return (s64)(TOKEN_PERIOD_NS * b->millicpu / 1000);
}

static s64 chunk(const struct token_bucket *b)
{
    return MIN(capacity(b), (s64)TOKEN_CHUNK_NS);
}

static void fill(struct token_bucket *b, u64 now_ns)
{
    u64 flow;

    if (now_ns <= b->filled_ns)
        return;
    flow = MIN(now_ns - b->filled_ns, FLOW_MAX_NS) * b->millicpu + b->fraction;
    b->filled_ns = now_ns;
    b->tokens_ns += (s64)(flow / 1000);
    b->fraction = (u32)(flow % 1000);
    if (b->tokens_ns > capacity(b))
        b->tokens_ns = capacity(b);
}

void token_bucket_init(struct token_bucket *b, u32 millicpu, u64 now_ns)
{
    *b = (struct token_bucket){.millicpu = millicpu, .filled_ns = now_ns};
    b->tokens_ns = capacity(b);
}

void token_bucket_set_rate(struct token_bucket *b, u32 millicpu, u64 now_ns)
{
    fill(b, now_ns);
    b->millicpu = millicpu;
    b->tokens_ns = MIN(b->tokens_ns, capacity(b));
}

u64 token_bucket_take(struct token_bucket *b, u64 now_ns)
{
    fill(b, now_ns);
    if (b->tokens_ns < chunk(b))
        return 0;
    b->tokens_ns -= chunk(b);
    return (u64)chunk(b);
}

void token_bucket_settle(struct token_bucket *b, u64 taken_ns, u64 used_ns)
{
    b->tokens_ns += (s64)taken_ns - (s64)used_ns;
}

u64 token_bucket_ready_ns(struct token_bucket *b, u64 now_ns)
{
    fill(b, now_ns);
    if (b->tokens_ns >= chunk(b))
        return now_ns;
    return now_ns + ((u64)(chunk(b) - b->tokens_ns) * 1000 + b->millicpu - 1) / b->millicpu;
}
