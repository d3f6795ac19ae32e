/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaky buckets, each kept as the one time when it will have leaked empty: a failure moves it by
 * EACH_NS, and it may not be more than BURST failures ahead of now.
 */
#include "mgmt/auth/limiter.h"

#include "core/lib/compiler.h"

#define EACH_NS  (LIMITER_EACH_S * NS_PER_S)
#define BURST_NS (LIMITER_BURST * EACH_NS)

/* The source's bucket, or the one that leaked empty, or will do so, first. */
static struct limiter_source *source_of(struct limiter *limiter, u64 key)
{
    struct limiter_source *oldest = &limiter->sources[0];

    for (u32 i = 0; i < LIMITER_SOURCES; i++) {
        struct limiter_source *source = &limiter->sources[i];

        if (source->due_ns != 0 && source->key == key)
            return source;
        if (source->due_ns < oldest->due_ns)
            oldest = source;
    }
    *oldest = (struct limiter_source){.key = key};
    return oldest;
}

u32 limiter_fail(struct limiter *limiter, u64 key, u64 now_ns)
{
    struct limiter_source *source = source_of(limiter, key);
    u64 due_ns = MAX(source->due_ns, now_ns) + EACH_NS;

    if (due_ns - now_ns > BURST_NS)
        return (u32)((due_ns - now_ns - BURST_NS + NS_PER_S - 1) / NS_PER_S);
    source->due_ns = due_ns;
    return 0;
}

void limiter_forgive(struct limiter *limiter, u64 key)
{
    for (u32 i = 0; i < LIMITER_SOURCES; i++) {
        struct limiter_source *source = &limiter->sources[i];

        if (source->key == key && source->due_ns > EACH_NS)
            source->due_ns -= EACH_NS;
    }
}
