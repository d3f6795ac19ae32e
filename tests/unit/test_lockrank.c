/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tests/fakes/log.c */
/* Taking locks against their order is found, and told with both names. */
#include "tests/unit/harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/x86/insn.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"

void lockrank_acquire(const struct spinlock *lock);
void lockrank_release(const struct spinlock *lock);
void lockrank_report(void);

/* The pCPU is a variable, and has no interrupts. */
static struct pcpu fake_pcpu;
#define this_pcpu()    (&fake_pcpu)
#define irq_save()     0
#define irq_restore(f) (void)(f)
#include "core/x86/lockrank.c"

static jmp_buf panicked;
static char message[200];

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    longjmp(panicked, 1);
}

static bool panics(const struct spinlock *lock)
{
    if (setjmp(panicked))
        return true;
    lockrank_acquire(lock);
    return false;
}

static const struct spinlock vm = SPINLOCK_INIT("vm", LOCK_VM);
static const struct spinlock vdev = SPINLOCK_INIT("vdev", LOCK_VDEV);
static const struct spinlock other_vdev = SPINLOCK_INIT("other", LOCK_VDEV);
static const struct spinlock pmm_lock = SPINLOCK_INIT("pmm", LOCK_PMM);

TEST(outer_to_inner)
{
    fake_pcpu.lock_depth = 0;
    CHECK(!panics(&vm));
    CHECK(!panics(&vdev));
    CHECK(!panics(&pmm_lock));
    lockrank_release(&vdev); /* not in reverse order */
    lockrank_release(&pmm_lock);
    CHECK(!panics(&vdev));
    lockrank_release(&vdev);
    lockrank_release(&vm);
    CHECK_EQ(fake_pcpu.lock_depth, 0);
}

TEST(inner_to_outer)
{
    fake_pcpu.lock_depth = 0;
    CHECK(!panics(&pmm_lock));
    CHECK(panics(&vdev));
    CHECK(strstr(message, "lock vdev (rank ") == message);
    CHECK(strstr(message, ") taken while holding pmm (rank ") != NULL);
}

TEST(two_of_a_rank_and_the_same_twice)
{
    fake_pcpu.lock_depth = 0;
    CHECK(!panics(&vdev));
    CHECK(panics(&other_vdev));
    CHECK(panics(&vdev));
    lockrank_release(&vdev);
    CHECK(!panics(&other_vdev));
}
