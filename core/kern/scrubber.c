/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The task that zeroes what guests have left in memory, when the boot CPU has nothing better to do.
 *
 * It is of the lowest class and gives way after each piece: drivers and the agent wait for one
 * piece at most. Where vCPUs run on the boot CPU too, it has the share of a small one: what it does
 * not get done in time, an allocation does.
 */
#include "core/kern/scrubber.h"

#include "core/kern/task.h"
#include "core/x86/insn.h"
#include "mm/pmm.h"

/* About 10 microseconds of a memory's bandwidth, for which interrupts wait. */
#define PIECE_BYTES (64 * KiB)

#define SCRUBBER_WEIGHT (FAIR_WEIGHT_DEFAULT / 4)

static struct task scrubber;

static void on_dirty(void)
{
    task_wake(&scrubber);
}

static bool scrub_piece(void)
{
    u64 flags = irq_save();
    bool worked = pmm_scrub(PIECE_BYTES);

    irq_restore(flags);
    return worked;
}

static void scrubber_main(void *arg unused)
{
    for (;;) {
        if (scrub_piece())
            task_yield();
        else
            task_wait();
    }
}

int scrubber_start(void)
{
    struct cpu_share share = {.weight = SCRUBBER_WEIGHT};
    int rc;

    cpu_mask_add(&share.allowed, 0);
    rc = task_start_vcpu(&scrubber, "scrubber", &share, scrubber_main, NULL);

    if (rc == 0)
        pmm_on_dirty(on_dirty);
    return rc;
}
