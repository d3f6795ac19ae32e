/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/pktbuf.c tests/fakes/assert.c */
/* The packet pool gives each buffer to one owner, takes them back, and counts when it is empty. */
#include "tests/unit/harness.h"

#include "drivers/net/pktbuf.h"
#include "drivers/net/pktbuf_pool.h"

#define COUNT 8

static struct pktbuf pkts[COUNT];
static u8 buffers[COUNT][PKTBUF_BYTES];
static struct pktbuf big_pkt;
static u8 big_buffer[PKTBUF_BIG_BYTES];

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

TEST(big_buffers_are_of_a_class_of_their_own)
{
    u64 before = pktbuf_exhausted_count();
    struct pktbuf *pkt;

    CHECK(pktbuf_alloc_for(9018) == NULL); /* nobody has asked for any */
    CHECK_EQ(pktbuf_exhausted_count(), before + 1);
    pktbuf_pool_add_big(&big_pkt, big_buffer, hpa(0x100000));
    pkt = pktbuf_alloc_for(PKTBUF_DATA);
    CHECK(pkt != NULL && pkt != &big_pkt && pktbuf_room(pkt) == PKTBUF_DATA);
    pktbuf_free(pkt);
    pkt = pktbuf_alloc_for(PKTBUF_DATA + 1);
    CHECK(pkt == &big_pkt && pktbuf_room(pkt) >= 9000 + 14 + 4);
    CHECK(pktbuf_data(pkt) + pktbuf_room(pkt) <= big_buffer + PKTBUF_BIG_BYTES);
    CHECK(pktbuf_alloc_for(9018) == NULL);
    pktbuf_free(pkt);
    CHECK(pktbuf_alloc_for(9018) == &big_pkt);
    pktbuf_free(&big_pkt);
    CHECK(pktbuf_alloc_for(PKTBUF_BIG_DATA + 1) == NULL);
    CHECK(pktbuf_alloc_for(0xffffffffu) == NULL);
}
