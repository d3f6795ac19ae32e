/* SPDX-License-Identifier: BSD-2-Clause */
/* A token bucket under a lock, that may be turned on and off. */
#include "core/kern/cpu_limit.h"

/* While the limit is off nothing is held back: as if any amount were there. */
#define UNLIMITED_NS TOKEN_CHUNK_NS

void cpu_limit_init(struct cpu_limit *limit, u32 millicpu, u64 now_ns)
{
    spin_init(&limit->lock, "cpu limit", LOCK_CPU_LIMIT);
    limit->millicpu = millicpu;
    token_bucket_init(&limit->bucket, millicpu, now_ns);
}

void cpu_limit_set(struct cpu_limit *limit, u32 millicpu, u64 now_ns)
{
    u64 flags = spin_lock_irqsave(&limit->lock);

    if (limit->millicpu == 0 || millicpu == 0)
        token_bucket_init(&limit->bucket, millicpu, now_ns);
    else
        token_bucket_set_rate(&limit->bucket, millicpu, now_ns);
    __atomic_store_n(&limit->millicpu, millicpu, __ATOMIC_RELAXED);
    spin_unlock_irqrestore(&limit->lock, flags);
}

u64 cpu_limit_take(struct cpu_limit *limit, u64 now_ns)
{
    u64 taken = UNLIMITED_NS;

    spin_lock(&limit->lock);
    if (limit->millicpu != 0)
        taken = token_bucket_take(&limit->bucket, now_ns);
    spin_unlock(&limit->lock);
    return taken;
}

void cpu_limit_settle(struct cpu_limit *limit, u64 taken_ns, u64 used_ns)
{
    spin_lock(&limit->lock);
    if (limit->millicpu != 0)
        token_bucket_settle(&limit->bucket, taken_ns, used_ns);
    spin_unlock(&limit->lock);
}

u64 cpu_limit_ready_ns(struct cpu_limit *limit, u64 now_ns)
{
    u64 ready = now_ns;

    spin_lock(&limit->lock);
    if (limit->millicpu != 0)
        ready = token_bucket_ready_ns(&limit->bucket, now_ns);
    spin_unlock(&limit->lock);
    return ready;
}
