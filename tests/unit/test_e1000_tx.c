/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/e1000.c drivers/net/e1000_legacy.c drivers/net/e1000_rings.c
 * drivers/net/igb_desc.c drivers/net/inet.c drivers/net/pktbuf.c drivers/net/pktbuf_csum.c
 * drivers/net/pktbuf_join.c
 * drivers/net/tcp_segment.c core/lib/str.c tests/fakes/assert.c tests/fakes/log.c
 */
/* The Intel cards' shared part: frames sent, checksums left to the card, hangs. */
#include "tests/unit/e1000_rig.h"

TEST(a_full_transmit_ring_refuses_and_recovers)
{
    u32 sent = 0, before;
    struct pktbuf *pkt;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    while ((pkt = pktbuf_alloc()) != NULL && registered->ops->tx(registered, pkt))
        sent++;
    CHECK_EQ(sent, E1000_RING_SIZE - 1);
    CHECK(pkt != NULL);
    for (u32 i = 0; i < E1000_RING_SIZE; i++)
        tx_desc(i)->word |= E1000_TX_DONE;
    CHECK(registered->ops->tx(registered, pkt));
    registered->ops->tx_flush(registered);
    CHECK_EQ(regs[E1000_TDT / 4], 0);
    CHECK_EQ(pool_count(), before - 1); /* the last one is not sent yet */
    tx_desc(E1000_RING_SIZE - 1)->word |= E1000_TX_DONE;
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before);
}

/* A TCP segment whose checksum is left to the card; its IP header has this many bytes. */
static struct pktbuf *segment(u16 ip_bytes)
{
    struct pktbuf *pkt = pktbuf_alloc();

    pkt->len = 200;
    memset(pktbuf_data(pkt), 0, pkt->len);
    pktbuf_data(pkt)[12] = ip_bytes == 40 ? 0x86 : 0x08;
    pktbuf_data(pkt)[13] = ip_bytes == 40 ? 0xdd : 0x00;
    CHECK(pktbuf_csum_set_partial(pkt, (u16)(14 + ip_bytes), 16));
    return pkt;
}

/* Two frames of one connection, one of another kind, a plain one: two contexts are enough. */
static void send_segments(u64 first, u64 first_word, u64 second, u64 second_word, u64 data_bits)
{
    static const u8 expected[] = {1, 0, 0, 1, 0, 0}; /* contexts and frames */
    struct pktbuf *plain;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    CHECK(registered->ops->tx(registered, segment(20)));
    CHECK(registered->ops->tx(registered, segment(20)));
    CHECK(registered->ops->tx(registered, segment(40)));
    plain = pktbuf_alloc();
    plain->len = 100;
    CHECK(registered->ops->tx(registered, plain));
    registered->ops->tx_flush(registered);
    CHECK_EQ(regs[E1000_TDT / 4], ARRAY_SIZE(expected));
    CHECK(tx_desc(0)->address == first && tx_desc(0)->word == first_word);
    CHECK(tx_desc(3)->address == second && tx_desc(3)->word == second_word);
    CHECK_EQ(tx_desc(1)->word & data_bits, data_bits);
    CHECK_EQ(tx_desc(1)->word & 0xffff, 200);
    CHECK_EQ(tx_desc(5)->word & BIT(41), 0);
    CHECK_EQ(tx_desc(5)->address, plain->hpa.v + plain->offset);
    for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
        if (!expected[i])
            tx_desc(i)->word |= E1000_TX_DONE;
        registered->ops->tx_flush(registered);
    }
    CHECK_EQ(pool_count(), before);
}

TEST(checksums_left_to_the_card)
{
    send_segments(34ull << 32 | 50ull << 40, BIT(29), 54ull << 32 | 70ull << 40, BIT(29),
                  BIT(20) | BIT(24) | BIT(25) | BIT(27) | BIT(29) | BIT(41));
    model.format = &e1000_advanced;
    send_segments(20 | 14 << 9, BIT(29) | BIT(21) | BIT(10) | BIT(11), 40 | 14 << 9,
                  BIT(29) | BIT(21) | BIT(11),
                  3ull << 20 | BIT(24) | BIT(25) | BIT(27) | BIT(29) | BIT(41) | 200ull << 46);
    model.format = &e1000_legacy;
}

/* Positions a card cannot work with are worked with here. */
TEST(checksums_the_card_cannot_do)
{
    const struct e1000_format *const formats[] = {&e1000_legacy, &e1000_advanced};

    for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
        struct pktbuf *pkt;

        model.format = formats[i];
        CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
        pkt = pktbuf_alloc();
        pkt->len = 1000;
        memset(pktbuf_data(pkt), 0, pkt->len);
        CHECK(pktbuf_csum_set_partial(pkt, 800, 100));
        CHECK(registered->ops->tx(registered, pkt));
        CHECK(pktbuf_data(pkt)[900] == 0xff && pktbuf_data(pkt)[901] == 0xff);
        CHECK_EQ(tx_desc(0)->word & 0xffff, 1000);
    }
    model.format = &e1000_legacy;
}

/* Near its end the ring takes a frame with its context whole or not at all. */
TEST(a_context_in_a_nearly_full_ring)
{
    struct pktbuf *pkt;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    for (u32 i = 0; i < E1000_RING_SIZE - 1; i++) {
        CHECK(registered->ops->tx(registered, pktbuf_alloc()));
        tx_desc(0)->word |= i == 0 ? E1000_TX_DONE : 0;
        if (i == 0)
            registered->ops->tx_flush(registered);
    }
    pkt = segment(20);
    CHECK(!registered->ops->tx(registered, pkt));
    tx_desc(1)->word |= E1000_TX_DONE;
    CHECK(registered->ops->tx(registered, pkt)); /* context in the last slot, frame in the first */
    for (u32 i = 0; i < E1000_RING_SIZE; i++)
        tx_desc(i)->word |= E1000_TX_DONE;
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before);
}

/* Frames of one segment: as net_task links them, headers of the first those of all. */
static struct pktbuf *frames(struct net_join *join, bool is_ipv6, u32 count)
{
    u16 ip_bytes = is_ipv6 ? 40 : 20;
    struct pktbuf *first = segment(ip_bytes), *last = first;

    *join = (struct net_join){.place = {.ip_at = 14,
                                        .tcp_at = (u16)(14 + ip_bytes),
                                        .header_bytes = (u16)(34 + ip_bytes),
                                        .is_ipv6 = is_ipv6},
                              .mss = (u16)(200 - 34 - ip_bytes),
                              .count = count};
    join->payload = count * join->mss;
    memset(pktbuf_data(first) + 14, 0x11, ip_bytes);
    memset(pktbuf_data(first) + 14 + ip_bytes + 16, 0, 2);
    for (u32 i = 1; i < count; i++) {
        last->next = segment(ip_bytes);
        last = last->next;
    }
    return first;
}

/* One of three frames: context, headers and payload, payload, payload; the end tells of all. */
static void send_segment(bool is_ipv6, u64 context, u64 context_word, const u64 data_words[3])
{
    struct net_join join;
    struct pktbuf *first;
    const u8 *ip;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    first = frames(&join, is_ipv6, 3);
    ip = pktbuf_data(first) + 14;
    CHECK(registered->ops->tx_segment(registered, first, &join));
    CHECK_EQ(is_ipv6 ? ip[4] | ip[5] : ip[2] | ip[3] | ip[10] | ip[11], 0);
    CHECK(tx_desc(0)->address == context && tx_desc(0)->word == context_word);
    CHECK_EQ(tx_desc(1)->address, first->hpa.v + first->offset);
    CHECK_EQ(tx_desc(2)->address,
             first->next->hpa.v + first->next->offset + join.place.header_bytes);
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(tx_desc(1 + i)->word, data_words[i]);
    CHECK(registered->ops->tx(registered, segment(is_ipv6 ? 40 : 20)));
    CHECK(tx_desc(4)->word & BIT(29)); /* a segment's context is none for a frame */
    CHECK_EQ(tx_desc(4)->word & BIT(26), 0);
    registered->ops->tx_flush(registered);
    CHECK_EQ(regs[E1000_TDT / 4], 6);
    tx_desc(1)->word |= E1000_TX_DONE; /* not yet all of it */
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before - 4);
    tx_desc(3)->word |= E1000_TX_DONE;
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before - 1);
    tx_desc(5)->word |= E1000_TX_DONE;
    registered->ops->tx_flush(registered);
    CHECK_EQ(pool_count(), before);
}

TEST(segments_left_to_the_card)
{
    /* Data, IFCS, TSE, DEXT, TXSM; at the end EOP, RS. */
    const u64 data = BIT(20) | BIT(25) | BIT(26) | BIT(29) | BIT(41), end = BIT(24) | BIT(27);
    const u64 ipv4[] = {data | BIT(40) | 200, data | BIT(40) | 146, data | BIT(40) | 146 | end};
    const u64 ipv6[] = {data | 200, data | 126, data | 126 | end};
    const u64 adv = 3ull << 20 | BIT(25) | BIT(29) | BIT(31);
    const u64 adv4[] = {adv | BIT(40) | BIT(41) | 438ull << 46 | 200, adv | 146, adv | 146 | end};
    const u64 adv6[] = {adv | BIT(41) | 378ull << 46 | 200, adv | 126, adv | 126 | end};

    send_segment(false, 14 | 24 << 8 | 33 << 16 | 34ull << 32 | 50ull << 40,
                 438 | BIT(24) | BIT(25) | BIT(26) | BIT(29) | 54ull << 40 | 146ull << 48, ipv4);
    send_segment(true, 14 | 54ull << 32 | 70ull << 40,
                 378 | BIT(24) | BIT(26) | BIT(29) | 74ull << 40 | 126ull << 48, ipv6);
    model.format = &e1000_advanced;
    send_segment(false, 20 | 14 << 9,
                 BIT(29) | BIT(21) | BIT(10) | BIT(11) | 20ull << 40 | 146ull << 48, adv4);
    send_segment(true, 40 | 14 << 9, BIT(29) | BIT(21) | BIT(11) | 20ull << 40 | 126ull << 48,
                 adv6);
    model.format = &e1000_legacy;
}

TEST(a_segment_in_a_nearly_full_ring)
{
    struct net_join join;
    struct pktbuf *first;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    for (u32 i = 0; i < E1000_RING_SIZE - 4; i++)
        CHECK(registered->ops->tx(registered, pktbuf_alloc()));
    first = frames(&join, false, 3);
    pktbuf_data(first)[16] = 0x77;
    CHECK(!registered->ops->tx_segment(registered, first, &join));
    CHECK_EQ(pktbuf_data(first)[16], 0x77); /* asked again later, it is as it was */
    tx_desc(0)->word |= E1000_TX_DONE;
    CHECK(registered->ops->tx_segment(registered, first, &join));
    regs[E1000_STATUS / 4] = E1000_STATUS_LU;
    now += 3 * NS_PER_S;
    registered->ops->tx_flush(registered);
    CHECK(registered->counters.resets == 1);
    CHECK_EQ(registered->counters.tx_drops, E1000_RING_SIZE - 5 + 3); /* frames, not segments */
    CHECK_EQ(pool_count(), before);
}

/* Where the model has it, and only at full speed. */
TEST(segments_by_speed_of_the_link)
{
    model.segments = NETDEV_TX_TSO4;
    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    regs[E1000_STATUS / 4] = E1000_STATUS_LU | 2u << 6;
    CHECK(registered->ops->link_up(registered));
    CHECK_EQ(registered->features, NETDEV_TX_CSUM | NETDEV_RX_CSUM | NETDEV_TX_TSO4);
    regs[E1000_STATUS / 4] = E1000_STATUS_LU | 1u << 6;
    CHECK(registered->ops->link_up(registered));
    CHECK_EQ(registered->features, NETDEV_TX_CSUM | NETDEV_RX_CSUM);
    model.segments = 0;
}

TEST(a_transmitter_that_stands_still)
{
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    CHECK(registered->ops->tx(registered, segment(20)));
    now += 3 * NS_PER_S;
    registered->ops->tx_flush(registered);
    CHECK_EQ(registered->counters.resets, 0); /* the link is down */
    regs[E1000_STATUS / 4] = E1000_STATUS_LU;
    now += 3 * NS_PER_S;
    registered->ops->tx_flush(registered);
    CHECK(registered->counters.resets == 1 && registered->counters.tx_drops == 1);
    CHECK(registered->ops->link_up(registered));
    CHECK_EQ(registered->speed_mbps, 10);
    regs[E1000_STATUS / 4] |= 2u << 6;
    CHECK(registered->ops->link_up(registered));
    CHECK_EQ(registered->speed_mbps, 1000);
    CHECK_EQ(pool_count(), before);
    CHECK(registered->ops->tx(registered, segment(20)));
    CHECK_EQ(tx_desc(0)->word, BIT(29)); /* the reset forgot the context */
    tx_desc(1)->word |= E1000_TX_DONE;
    reset_fails = true;
    registered->ops->tx_flush(registered);
    CHECK(registered->ops->tx(registered, segment(20)));
    now += 3 * NS_PER_S;
    registered->ops->tx_flush(registered);
    CHECK(!registered->ops->link_up(registered));
    rx_desc(0)->word = legacy_rx(60, 3, 0);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    reset_fails = false;
    now += 3 * NS_PER_S;
    registered->ops->tx_flush(registered);
    CHECK(registered->ops->link_up(registered));
    CHECK_EQ(registered->counters.resets, 3);
    CHECK_EQ(pool_count(), before);
}
