/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/pktbuf.c tests/fakes/log.c */
/* The packet pool: a buffer has one owner at a time, and none is lost. */
#include <string.h>

#include "drivers/net/pktbuf_pool.h"
#include "tests/race/race.h"

#define PACKETS 16u
#define HELD    6u
#define ROUNDS  20000u

static struct pktbuf packets[PACKETS];
static u8 buffers[PACKETS][PKTBUF_BYTES];

static void run(u32 thread)
{
    struct pktbuf *held[HELD] = {NULL};

    for (u32 i = 0; i < ROUNDS; i++) {
        struct pktbuf **slot = &held[race_random() % HELD];

        if (*slot == NULL) {
            *slot = pktbuf_alloc();
            if (*slot != NULL)
                memset(pktbuf_data(*slot), (int)thread, 64);
            else
                CHECK(pktbuf_exhausted_count() > 0);
        } else {
            CHECK(pktbuf_data(*slot)[race_random() % 64] == thread);
            pktbuf_free(*slot);
            *slot = NULL;
        }
    }
    for (u32 i = 0; i < HELD; i++)
        if (held[i] != NULL)
            pktbuf_free(held[i]);
}

TEST(one_owner_at_a_time)
{
    u32 count = 0;

    for (u32 i = 0; i < PACKETS; i++)
        pktbuf_pool_add(&packets[i], buffers[i], hpa(0));
    race_run(4, run);
    while (pktbuf_alloc() != NULL)
        count++;
    CHECK_EQ(count, PACKETS);
}
