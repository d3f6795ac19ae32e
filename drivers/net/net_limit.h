/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits on the rate of frames and bytes as token buckets, pure. */
#ifndef SOCLE_NET_LIMIT_H
#define SOCLE_NET_LIMIT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* 0: no limit. */
struct net_limits {
    u64 frames_per_s;
    u64 bytes_per_s;
    u64 burst_bytes; /* saved up at most; 0: a tenth of a second's worth */
};

/* Tokens flow in at a rate up to a depth; taking may leave a debt of one frame, paid first. */
struct net_bucket {
    u64 rate_per_s; /* 0: no limit */
    u64 depth;
    s64 tokens;
    u64 filled_ns;
};

struct net_limiter {
    struct net_bucket frames;
    struct net_bucket bytes;
};

/* Starts full; a depth of 0 counts as 1. */
void net_bucket_init(struct net_bucket *b, u64 rate_per_s, u64 depth, u64 now_ns);

/* Whether there is a token left after what flowed in; paying may leave a debt. */
bool net_bucket_is_ready(struct net_bucket *b, u64 now_ns);
void net_bucket_pay(struct net_bucket *b, u64 tokens);

/* Starts full. */
void net_limiter_init(struct net_limiter *l, const struct net_limits *limits, u64 now_ns);

/* Whether a frame may pass now; if so it is paid for. */
bool net_limiter_take(struct net_limiter *l, u32 bytes, u64 now_ns);

/* When the next frame may pass: now_ns if it may. */
u64 net_limiter_ready_ns(struct net_limiter *l, u64 now_ns);

#endif
