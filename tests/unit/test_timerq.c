/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/timerq.c */
/* Ordered timers with a fake clock. */
#include "core/kern/timerq.h"
#include "tests/unit/harness.h"

static struct timer timers[4];

static void queue(struct timerq *q, const u64 *deadlines, unsigned count)
{
    timerq_init(q);
    for (unsigned i = 0; i < count; i++) {
        timers[i] = (struct timer){.deadline_ns = deadlines[i]};
        list_init(&timers[i].link);
        timerq_insert(q, &timers[i]);
    }
}

TEST(fires_in_order_of_deadline_and_arrival)
{
    const u64 deadlines[] = {30, 10, 20, 10};
    struct timerq q;

    queue(&q, deadlines, 4);
    CHECK_EQ(timerq_next(&q), 10);
    CHECK(timerq_pop_due(&q, 9) == NULL);
    CHECK(timerq_pop_due(&q, 100) == &timers[1]);
    CHECK(timerq_pop_due(&q, 100) == &timers[3]);
    CHECK(timerq_pop_due(&q, 100) == &timers[2]);
    CHECK(!timers[2].armed && timers[0].armed);
    CHECK(timerq_pop_due(&q, 29) == NULL);
    CHECK(timerq_pop_due(&q, 30) == &timers[0]);
    CHECK_EQ(timerq_next(&q), TIMERQ_NEVER);
}

TEST(removal_changes_the_next_deadline)
{
    const u64 deadlines[] = {5, 7};
    struct timerq q;

    queue(&q, deadlines, 2);
    timerq_remove(&q, &timers[0]);
    CHECK(!timers[0].armed);
    CHECK_EQ(timerq_next(&q), 7);
}
