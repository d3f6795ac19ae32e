/* SPDX-License-Identifier: BSD-2-Clause */
/* Debug builds: panics when a lock is taken against the order of enum lock_rank. */
#include "core/x86/log.h"
#include "core/x86/panic.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"

void lockrank_acquire(const struct spinlock *lock)
{
    u64 flags = irq_save();
    struct pcpu *p = this_pcpu();

    for (u32 i = 0; i < p->lock_depth; i++) {
        const struct spinlock *held = p->locks[i];

        if (held->rank >= lock->rank)
            panic("lock %s (rank %u) taken while holding %s (rank %u)", lock->name, lock->rank,
                  held->name, held->rank);
    }
    if (p->lock_depth == ARRAY_SIZE(p->locks))
        panic("too many locks held when taking %s", lock->name);
    p->locks[p->lock_depth++] = lock;
    irq_restore(flags);
}

void lockrank_release(const struct spinlock *lock)
{
    u64 flags = irq_save();
    struct pcpu *p = this_pcpu();

    for (u32 i = 0; i < p->lock_depth; i++) {
        if (p->locks[i] == lock) {
            p->locks[i] = p->locks[--p->lock_depth];
            break;
        }
    }
    irq_restore(flags);
}

void lockrank_report(void)
{
    log_info("lock", "the order of locks is checked");
}
