/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces core/x86/spinlock.h in unit tests, which have one thread: checks that locks are taken
 * once, given back, and in the order of their ranks.
 */
#ifndef SOCLE_FAKES_SPINLOCK_H
#define SOCLE_FAKES_SPINLOCK_H

#include <stdlib.h>

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/insn.h"
#include "core/x86/lock_rank.h"

struct spinlock {
    bool is_held;
    u8 rank;
    const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank)                        \
    {                                                              \
        .is_held = false, .rank = (lock_rank), .name = (lock_name) \
    }

/* Bit per rank held; each translation unit sees its own, which is enough: calls nest inside one
 * another. */
static unused u32 fake_ranks_held;

static inline void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
    *lock = (struct spinlock){.is_held = false, .rank = (u8)rank, .name = name};
}

static inline void spin_lock(struct spinlock *lock)
{
    if (lock->is_held || fake_ranks_held >> lock->rank != 0)
        abort();
    lock->is_held = true;
    fake_ranks_held |= 1u << lock->rank;
}

static inline void spin_unlock(struct spinlock *lock)
{
    if (!lock->is_held)
        abort();
    lock->is_held = false;
    fake_ranks_held &= ~(1u << lock->rank);
}

static inline u64 spin_lock_irqsave(struct spinlock *lock)
{
    spin_lock(lock);
    return 0;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, u64 flags)
{
    (void)flags;
    spin_unlock(lock);
}

#endif
