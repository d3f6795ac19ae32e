/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/pktbuf.c tests/fakes/assert.c */
/* The packet pool gives each buffer to one owner, takes them back, and counts when it is empty. */
#include "tests/unit/harness.h"

#include "drivers/net/pktbuf.h"
#include "drivers/net/pktbuf_pool.h"

#define COUNT 8

static struct pktbuf pkts[COUNT];
static u8 buffers[COUNT][PKTBUF_BYTES];

TEST(an_empty_pool_gives_nothing_and_counts)
{
    u64 before = pktbuf_exhausted_count();

    CHECK(pktbuf_alloc() == NULL);
    CHECK_EQ(pktbuf_exhausted_count(), before + 1);
}

TEST(every_buffer_has_one_owner)
{
    struct pktbuf *held[COUNT];

    for (u32 i = 0; i < COUNT; i++)
        pktbuf_pool_add(&pkts[i], buffers[i], hpa(0x1000 + i * PKTBUF_BYTES));
    for (u32 i = 0; i < COUNT; i++) {
        held[i] = pktbuf_alloc();
        CHECK(held[i] != NULL);
        for (u32 j = 0; j < i; j++)
            CHECK(held[j] != held[i]);
        CHECK_EQ(held[i]->hpa.v - 0x1000, (u64)(held[i]->buffer - buffers[0]));
    }
    CHECK(pktbuf_alloc() == NULL);
    for (u32 i = 0; i < COUNT; i++) {
        held[i]->len = 100;
        pktbuf_free(held[i]);
    }
    held[0] = pktbuf_alloc();
    CHECK_EQ(held[0]->len, 0);
    CHECK(pktbuf_data(held[0]) == held[0]->buffer + PKTBUF_HEADROOM);
    pktbuf_free(held[0]);
}
