/* SPDX-License-Identifier: BSD-2-Clause */
/* Release builds do not check the lock order. */
#include "core/x86/spinlock.h"

void lockrank_acquire(const struct spinlock *lock)
{
    (void)lock;
}

void lockrank_release(const struct spinlock *lock)
{
    (void)lock;
}

void lockrank_report(void)
{
}
