/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/pktbuf.c drivers/net/pktbuf_join.c tests/fakes/assert.c */
/* Pieces of a frame put together: in order, bounded, lost as a whole. */
#include "tests/unit/harness.h"

#include <string.h>

#include "drivers/net/pktbuf_join.h"
#include "drivers/net/pktbuf_pool.h"

#define MOST 9018u

static struct pktbuf_join join;
static struct netdev_counters counters;
static struct pktbuf pkt;
static u8 buffer[PKTBUF_BIG_BYTES];
static u8 piece[4096];

static void begin(void)
{
    if (pkt.buffer == NULL)
        pktbuf_pool_add_big(&pkt, buffer, hpa(0));
    memset(&counters, 0, sizeof counters);
}

static void add(u8 value, u32 bytes)
{
    memset(piece, value, sizeof piece);
    pktbuf_join_add(&join, piece, bytes, MOST, false);
}

TEST(pieces_stand_behind_each_other)
{
    begin();
    add(1, 4096);
    add(2, 0);
    add(3, 4096);
    add(4, MOST - 8192);
    CHECK(pktbuf_join_end(&join, &counters) == &pkt);
    CHECK_EQ(pkt.len, MOST);
    CHECK(pktbuf_data(&pkt)[0] == 1 && pktbuf_data(&pkt)[4095] == 1);
    CHECK(pktbuf_data(&pkt)[4096] == 3 && pktbuf_data(&pkt)[MOST - 1] == 4);
    CHECK(!join.is_begun);
    pktbuf_free(&pkt);
    CHECK_EQ(counters.rx_errors + counters.rx_drops, 0);
}

TEST(a_frame_that_cannot_be_is_counted_once)
{
    begin();
    add(1, 4096); /* too long */
    add(1, 4096);
    add(1, MOST - 8192 + 1);
    add(1, 1);
    CHECK(pktbuf_join_end(&join, &counters) == NULL);
    CHECK_EQ(counters.rx_errors, 1);
    add(1, 100); /* damaged */
    pktbuf_join_add(&join, NULL, 0, MOST, true);
    add(1, 100);
    CHECK(pktbuf_join_end(&join, &counters) == NULL);
    CHECK_EQ(counters.rx_errors, 2);
    pktbuf_join_add(&join, piece, 0xffffffffu, MOST, false); /* from its beginning */
    CHECK(pktbuf_join_end(&join, &counters) == NULL);
    CHECK_EQ(counters.rx_errors, 3);
    add(1, 13); /* without a header */
    CHECK(pktbuf_join_end(&join, &counters) == NULL);
    CHECK_EQ(counters.rx_errors, 4);
    CHECK_EQ(counters.rx_drops, 0);
    CHECK(pktbuf_alloc_for(MOST) == &pkt); /* it came back */
    add(1, 100);                           /* now there is none */
    add(1, 100);
    CHECK(pktbuf_join_end(&join, &counters) == NULL);
    CHECK_EQ(counters.rx_drops, 1);
    CHECK_EQ(counters.rx_errors, 4);
    pktbuf_free(&pkt);
    add(1, 100); /* forgotten */
    pktbuf_join_reset(&join);
    pktbuf_join_reset(&join);
    add(1, 60);
    CHECK(pktbuf_join_end(&join, &counters) == &pkt && pkt.len == 60);
    pktbuf_free(&pkt);
}
