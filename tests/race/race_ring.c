/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tests/fakes/log.c */
/* The ring without a lock: what is written before ring_push is seen after ring_pop, in order. */
#include "core/lib/ring.h"
#include "tests/race/race.h"

#define ITEMS 100000u
#define SLOTS 64u

static struct ring ring;
static void *slots[SLOTS];
static u32 payload[SLOTS * 2]; /* more than there can be in the ring: each is used again */

static void run(u32 thread)
{
    for (u32 i = 0; i < ITEMS; i++) {
        u32 *item = &payload[i % (SLOTS * 2)];

        if (thread == 0) {
            *item = i;
            while (!ring_push(&ring, item))
                cpu_pause();
        } else {
            while ((item = ring_pop(&ring)) == NULL)
                cpu_pause();
            if (*item != i)
                CHECK_EQ(*item, i);
        }
    }
}

TEST(one_fills_one_drains)
{
    ring_init(&ring, slots, SLOTS);
    race_run(2, run);
    CHECK(ring_empty(&ring));
}
