/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlock. Locks that an interrupt handler or timer callback also takes are always taken
 * with spin_lock_irqsave. The rank documents the lock order of core/vm/README.md and is checked in
 * debug builds.
 */
#ifndef SOCLE_X86_SPINLOCK_H
#define SOCLE_X86_SPINLOCK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/insn.h"

/* Outer to inner; a lock may only be taken while holding locks of lower rank. */
enum lock_rank {
    LOCK_REGISTRY = 1,
    LOCK_VM,
    LOCK_VM_MEM,
    LOCK_PCI, /* a guest's PCI configuration: BARs move on the bus */
    LOCK_BUS,
    LOCK_VDEV,
    LOCK_VIRTQ,   /* one virtqueue */
    LOCK_VMSI,    /* MSI-X table, or interrupt status, of one device */
    LOCK_INTX,    /* a guest's PCI interrupt lines, shared by devices */
    LOCK_IRQCHIP, /* virtual PIC and IOAPIC: raised from under a device's lock */
    LOCK_CONSOLE, /* console byte rings */
    LOCK_POOL,    /* packet buffers, block queues */
    LOCK_RUNQ,
    LOCK_TIMER,
    LOCK_HEAP,
    LOCK_HPT,
    LOCK_PMM,
    LOCK_HARDWARE, /* registers reached in two steps: CF8h, IOAPIC */
    LOCK_LOG,
};

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
