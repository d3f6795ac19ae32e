/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of limits on frames and bytes. */
#include "drivers/net/net_limit.h"

#define NS_PER_SECOND 1000000000ull
/* Longest flow added up at once, and highest rate: the product stays in 64 bits. */
#define FLOW_MAX_NS   NS_PER_SECOND
#define RATE_MAX      (NS_PER_SECOND * 16)

void net_bucket_init(struct net_bucket *b, u64 rate_per_s, u64 depth, u64 now_ns)
{
    rate_per_s = MIN(rate_per_s, RATE_MAX);
    depth = MIN(depth, RATE_MAX);
    *b = (struct net_bucket){.rate_per_s = rate_per_s,
                             .depth = MAX(depth, 1ull),
                             .tokens = (s64)MAX(depth, 1ull),
                             .filled_ns = now_ns};
}

/* Time that is worth less than a token stays unspent. */
static void fill(struct net_bucket *b, u64 now_ns)
{
    u64 elapsed = now_ns - b->filled_ns;
    u64 gained;

    if (now_ns <= b->filled_ns)
        return;
    if (elapsed >= FLOW_MAX_NS) {
        b->filled_ns = now_ns - FLOW_MAX_NS;
        elapsed = FLOW_MAX_NS;
    }
    gained = elapsed * b->rate_per_s / NS_PER_SECOND;
    b->filled_ns += gained * NS_PER_SECOND / b->rate_per_s;
    b->tokens = MIN(b->tokens + (s64)gained, (s64)b->depth);
}

bool net_bucket_is_ready(struct net_bucket *b, u64 now_ns)
{
    if (b->rate_per_s == 0)
        return true;
    fill(b, now_ns);
    return b->tokens > 0;
}

void net_bucket_pay(struct net_bucket *b, u64 tokens)
{
    if (b->rate_per_s != 0)
        b->tokens -= (s64)tokens;
}

static u64 ready_ns(struct net_bucket *b, u64 now_ns)
{
    if (net_bucket_is_ready(b, now_ns))
        return now_ns;
    return b->filled_ns +
           ((u64)(1 - b->tokens) * NS_PER_SECOND + b->rate_per_s - 1) / b->rate_per_s;
}

void net_limiter_init(struct net_limiter *l, const struct net_limits *limits, u64 now_ns)
{
    u64 burst = limits->burst_bytes ? limits->burst_bytes : limits->bytes_per_s / 10;

    net_bucket_init(&l->frames, limits->frames_per_s, limits->frames_per_s / 10, now_ns);
    net_bucket_init(&l->bytes, limits->bytes_per_s, burst, now_ns);
}

bool net_limiter_take(struct net_limiter *l, u32 bytes, u64 now_ns)
{
    if (!net_bucket_is_ready(&l->frames, now_ns) || !net_bucket_is_ready(&l->bytes, now_ns))
        return false;
    net_bucket_pay(&l->frames, 1);
    net_bucket_pay(&l->bytes, bytes);
    return true;
}

u64 net_limiter_ready_ns(struct net_limiter *l, u64 now_ns)
{
    u64 frames = ready_ns(&l->frames, now_ns);
    u64 bytes = ready_ns(&l->bytes, now_ns);

    return MAX(frames, bytes);
}
