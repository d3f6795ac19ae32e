/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlock. Locks that an interrupt handler or timer callback also takes are always taken
 * with spin_lock_irqsave. The rank is the lock order, which debug builds check.
 */
#ifndef SOCLE_X86_SPINLOCK_H
#define SOCLE_X86_SPINLOCK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/insn.h"
#include "core/x86/lock_rank.h"

struct spinlock {
    u16 owner; /* ticket now served */
    u16 next;  /* ticket the next taker gets */
    u8 rank;
    const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank)                             \
    {                                                                   \
        .owner = 0, .next = 0, .rank = (lock_rank), .name = (lock_name) \
    }

/* Debug builds check the order and remember the holder; release builds link empty functions. */
void lockrank_acquire(const struct spinlock *lock);
void lockrank_release(const struct spinlock *lock);

/* Says in the log that the order is checked, if it is. */
void lockrank_report(void);

static inline void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK_INIT(name, (u8)rank);
}

static inline void spin_lock(struct spinlock *lock)
{
    u16 ticket;

    lockrank_acquire(lock);
    ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
    __atomic_store_n(&lock->owner, (u16)(lock->owner + 1), __ATOMIC_RELEASE);
    lockrank_release(lock);
}

/* Return: the previous RFLAGS, to be given to spin_unlock_irqrestore. */
static inline u64 spin_lock_irqsave(struct spinlock *lock)
{
    u64 flags = irq_save();

    spin_lock(lock);
    return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, u64 flags)
{
    spin_unlock(lock);
    irq_restore(flags);
}

#endif
