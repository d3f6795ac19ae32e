/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/inet.c drivers/net/pktbuf.c drivers/net/pktbuf_csum.c
 * drivers/net/pktbuf_join.c
 * drivers/net/tcp_segment.c drivers/net/virtio_net.c drivers/net/virtio_net_rings.c
 * drivers/virtio/v*c core/lib/str.c tests/fakes/assert.c tests/fakes/log.c tests/fakes/virtio.c
 */
/* The host's virtio-net driver: negotiation, frames, checksums, interrupts, link. */
#include "tests/unit/virtio_net_rig.h"

TEST(what_it_tells_the_device)
{
    static const u8 expected[2][3] = {{0, 1, 1}, {0, 0, 0}}; /* all groups; not promiscuous */

    start(ALL_FEATURES | BIT(7) | BIT(28));
    CHECK_EQ(fake.accepted, ALL_FEATURES); /* nothing that was not asked for */
    CHECK_EQ(nic->features, NETDEV_TX_CSUM | NETDEV_RX_CSUM);
    CHECK_EQ(nic->mtu, 1500);
    CHECK(nic->mac[0] == 0x52 && nic->mac[5] == 3);
    CHECK_EQ(command_count, 2);
    CHECK(memcmp(commands, expected, sizeof expected) == 0);
    CHECK(!nic->is_polled);
}

TEST(features_that_are_missing)
{
    u32 before;

    start(BIT(32) | VIRTIO_NET_F_MAC);
    before = reserved;
    CHECK_EQ(nic->features, 0);
    CHECK(nic->ops->link_up(nic)); /* no status: always up */
    machine(BIT(32));
    CHECK_EQ(probe(), -EOPNOTSUPP); /* no address */
    CHECK(!fake.is_master && fake.dma_buffers == 0 && reserved == before);
    machine(VIRTIO_NET_F_MAC);
    CHECK_EQ(probe(), -EOPNOTSUPP); /* before 1.0 */
    CHECK(!fake.is_master);
}

TEST(mtu_of_the_device)
{
    static const struct {
        u16 said, used, most; /* most: with buffers that can be merged */
    } cases[] = {{1500, 1500, 1500}, {9000, 1500, 9000}, {1400, 1400, 1400},
                 {68, 576, 576},     {0, 576, 576},      {0xffff, 1500, 9000}};

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        for (u32 merge = 0; merge < 2; merge++) {
            machine(ALL_FEATURES | VIRTIO_NET_F_MTU | (merge ? VIRTIO_NET_F_MRG_RXBUF : 0));
            memcpy(fake.config + VIRTIO_NET_CONFIG_MTU, &cases[i].said, 2);
            CHECK_EQ(probe(), 0);
            CHECK_EQ(nic->mtu, cases[i].used);
            CHECK_EQ(nic->mtu_max, merge ? cases[i].most : cases[i].used);
        }
    }
    start(ALL_FEATURES); /* it says nothing */
    CHECK_EQ(nic->mtu_max, 1500);
    start(ALL_FEATURES | VIRTIO_NET_F_MRG_RXBUF);
    CHECK_EQ(nic->mtu_max, 9000);
}

#define BUFFER_BYTES (PKTBUF_DATA + 12) /* of a buffer the device fills */

TEST(long_frames_in_merged_buffers)
{
    const struct virtio_net_hdr five = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                        .csum_start = 34,
                                        .csum_offset = 16,
                                        .num_buffers = 5};
    struct pktbuf *pkt;
    u32 before;

    start(ALL_FEATURES | VIRTIO_NET_F_MRG_RXBUF);
    nic->mtu = 9000;
    before = pool_count();
    for (u32 i = 0; i < 100; i++) {
        receive_part(&five, 1, BUFFER_BYTES);
        for (u8 part = 2; part < 5; part++)
            receive_part(NULL, part, BUFFER_BYTES);
        receive_part(NULL, 5, 9018 + 12 - 4 * BUFFER_BYTES);
        pkt = nic->ops->rx_poll(nic);
        if (!CHECK(pkt != NULL && pkt->len == 9018 && pkt->csum == PKTBUF_CSUM_PARTIAL))
            break;
        CHECK(pkt->csum_start == 34 && pkt->csum_offset == 16);
        for (u32 part = 1, at = BUFFER_BYTES - 12; part < 5; part++, at += BUFFER_BYTES) {
            CHECK_EQ(pktbuf_data(pkt)[at - 1], part);
            CHECK_EQ(pktbuf_data(pkt)[at], part + 1);
        }
        pktbuf_free(pkt);
    }
    CHECK(nic->ops->rx_poll(nic) == NULL);
    CHECK_EQ(pool_count(), before);
    CHECK_EQ(nic->counters.rx_errors, 0);
}

TEST(impossible_merged_frames_never_leave_the_driver)
{
    static const struct {
        u16 buffers, start; /* as the header says; start: of the checksum, 0: none */
        u32 first, second;
    } bad[] = {
        {2, 0, 11, 60},                /* no header */
        {2, 0, 12, 13},                /* no Ethernet header */
        {2, 3000, BUFFER_BYTES, 60},   /* a checksum outside the frame */
        {3, 0, BUFFER_BYTES, 60},      /* a buffer is missing */
        {0xffff, 0, BUFFER_BYTES, 60}, /* many are */
    };
    struct pktbuf *held[2];
    struct virtio_net_hdr header = {.num_buffers = 2};
    u32 before;

    start(ALL_FEATURES | VIRTIO_NET_F_MRG_RXBUF);
    nic->mtu = 9000;
    before = pool_count();
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        struct virtio_net_hdr wrong = {.flags = bad[i].start ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0,
                                       .csum_start = bad[i].start,
                                       .num_buffers = bad[i].buffers};

        receive_part(&wrong, 0x5a, bad[i].first);
        receive_part(NULL, 0x5a, bad[i].second);
        CHECK(nic->ops->rx_poll(nic) == NULL);
        CHECK_EQ(nic->counters.rx_errors, i + 1);
    }
    held[0] = pktbuf_alloc_for(9018);
    held[1] = pktbuf_alloc_for(9018);
    receive_part(&header, 0x5a, BUFFER_BYTES);
    receive_part(NULL, 0x5a, 60);
    CHECK(held[1] != NULL && nic->ops->rx_poll(nic) == NULL);
    CHECK_EQ(nic->counters.rx_drops, 1);
    pktbuf_free(held[0]);
    pktbuf_free(held[1]);
    CHECK_EQ(pool_count(), before);
    receive(0, 0, 0, 12 + 60);
    pktbuf_free(nic->ops->rx_poll(nic));
    CHECK_EQ(nic->counters.resets, 0);
}

TEST(frames_arrive)
{
    struct pktbuf *pkt;
    u32 before;

    start(ALL_FEATURES);
    before = pool_count();
    CHECK(nic->ops->rx_poll(nic) == NULL);
    receive(0, 0, 0, 12 + 1518);
    receive(VIRTIO_NET_HDR_F_DATA_VALID, 0, 0, 12 + 60);
    receive(VIRTIO_NET_HDR_F_NEEDS_CSUM, 34, 16, 12 + 60);
    pkt = nic->ops->rx_poll(nic);
    CHECK(pkt != NULL && pkt->len == 1518 && pkt->csum == PKTBUF_CSUM_UNKNOWN);
    CHECK(pktbuf_data(pkt)[0] == 0x5a && pktbuf_data(pkt)[1517] == 0x5a);
    pktbuf_free(pkt);
    pkt = nic->ops->rx_poll(nic);
    CHECK(pkt != NULL && pkt->len == 60 && pkt->csum == PKTBUF_CSUM_VALID);
    pktbuf_free(pkt);
    pkt = nic->ops->rx_poll(nic);
    CHECK(pkt != NULL && pkt->csum == PKTBUF_CSUM_PARTIAL);
    CHECK(pkt->csum_start == 34 && pkt->csum_offset == 16);
    pktbuf_free(pkt);
    CHECK(nic->ops->rx_poll(nic) == NULL);
    CHECK_EQ(pool_count(), before);
    for (u32 i = 0; i < 3000; i++) { /* the ring is refilled */
        receive(0, 0, 0, 12 + 60);
        pkt = nic->ops->rx_poll(nic);
        if (!CHECK(pkt != NULL))
            break;
        pktbuf_free(pkt);
    }
    CHECK_EQ(pool_count(), before);
}

TEST(impossible_frames_never_leave_the_driver)
{
    static const struct {
        u8 flags;
        u16 start, offset;
        u32 bytes;
    } bad[] = {
        {0, 0, 0, 0},
        {0, 0, 0, 11},
        {0, 0, 0, 25},
        {0, 0, 0, 12 + 1519},
        {1, 60, 0, 12 + 60},
        {1, 0, 59, 12 + 60},
        {1, 0xffff, 0xffff, 12 + 60},
        {1, 43, 16, 12 + 60},
    };
    u32 before;

    start(ALL_FEATURES);
    before = pool_count();
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        receive(bad[i].flags, bad[i].start, bad[i].offset, bad[i].bytes);
    CHECK(nic->ops->rx_poll(nic) == NULL);
    CHECK_EQ(nic->counters.rx_errors, ARRAY_SIZE(bad));
    CHECK_EQ(pool_count(), before);
    receive(0, 0, 0, 12 + 60);
    pktbuf_free(nic->ops->rx_poll(nic));
    CHECK_EQ(nic->counters.resets, 0);
}

TEST(frames_leave)
{
    struct pktbuf *pkt;
    struct virtio_net_hdr header;
    struct virtq_desc piece;
    u32 before, kicks;
    u16 head;

    start(ALL_FEATURES);
    before = pool_count();
    kicks = fake.queues[TX].kicks;
    CHECK(nic->ops->tx(nic, frame(100)));
    pkt = frame(200);
    CHECK(pktbuf_csum_set_partial(pkt, 34, 16));
    CHECK(nic->ops->tx(nic, pkt));
    CHECK(!is_sent(&piece, &head)); /* not before the flush */
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.queues[TX].kicks, kicks + 1);
    CHECK(is_sent(&piece, &head));
    CHECK_EQ(piece.bytes, 112);
    memcpy(&header, fake_virtio_memory(piece.address), sizeof header);
    CHECK_EQ(header.flags, 0);
    CHECK_EQ(((u8 *)fake_virtio_memory(piece.address))[12], 0xa5);
    fake_virtio_push(TX, head, 0);
    CHECK(is_sent(&piece, &head));
    memcpy(&header, fake_virtio_memory(piece.address), sizeof header);
    CHECK_EQ(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    CHECK(header.csum_start == 34 && header.csum_offset == 16);
    fake_virtio_push(TX, head, 0);
    CHECK_EQ(pool_count(), before - 2);
    nic->ops->tx_flush(nic);
    CHECK_EQ(pool_count(), before);
}

/* Frames of one segment as net_task links them, its headers in the first. */
static struct pktbuf *segment(struct net_join *join, bool is_ipv6)
{
    struct pktbuf *first = frame(1054);

    first->next = frame(1054);
    first->next->next = frame(60);
    CHECK(pktbuf_csum_set_partial(first, 34, 16));
    *join = (struct net_join){
        .place = {.ip_at = 14, .tcp_at = 34, .header_bytes = 54, .is_ipv6 = is_ipv6},
        .mss = 1000,
        .payload = 2006,
        .count = 3,
    };
    return first;
}

#define SEGMENTS (VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6)

TEST(segments_leave_as_one_chain)
{
    for (u32 v6 = 0; v6 < 2; v6++) {
        struct virtio_net_hdr header;
        struct virtq_desc pieces[4];
        struct net_join join;
        struct pktbuf *first;
        u32 before, count;
        u16 head;

        start(ALL_FEATURES | SEGMENTS);
        CHECK_EQ(nic->features & (NETDEV_TX_TSO4 | NETDEV_TX_TSO6),
                 NETDEV_TX_TSO4 | NETDEV_TX_TSO6);
        before = pool_count();
        first = segment(&join, v6 != 0);
        CHECK(nic->ops->tx_segment(nic, first, &join));
        nic->ops->tx_flush(nic);
        if (!CHECK(fake_virtio_pop(TX, &head, pieces, ARRAY_SIZE(pieces), &count)))
            continue;
        CHECK_EQ(count, 3);
        CHECK(pieces[0].bytes == 12 + 1054 && pieces[1].bytes == 1000 && pieces[2].bytes == 6);
        CHECK(fake_virtio_memory(pieces[1].address) == pktbuf_data(first->next) + 54);
        memcpy(&header, fake_virtio_memory(pieces[0].address), sizeof header);
        CHECK_EQ(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
        CHECK_EQ(header.gso_type, v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
        CHECK(header.hdr_len == 54 && header.gso_size == 1000);
        CHECK(header.csum_start == 34 && header.csum_offset == 16);
        CHECK_EQ(pool_count(), before - 3);
        fake_virtio_push(TX, head, 0);
        nic->ops->tx_flush(nic);
        CHECK_EQ(pool_count(), before);
    }
}

TEST(segments_need_what_they_need)
{
    struct net_join join;
    u32 before;

    start((ALL_FEATURES | SEGMENTS) & ~(u64)VIRTIO_NET_F_CSUM);
    CHECK_EQ(nic->features & (NETDEV_TX_TSO4 | NETDEV_TX_TSO6), 0);
    machine(ALL_FEATURES | SEGMENTS);
    fake.queues[TX].size = 32; /* too short for the longest */
    CHECK_EQ(probe(), 0);
    CHECK_EQ(nic->features & (NETDEV_TX_TSO4 | NETDEV_TX_TSO6), 0);
    start(ALL_FEATURES | VIRTIO_NET_F_HOST_TSO6);
    CHECK_EQ(nic->features & (NETDEV_TX_TSO4 | NETDEV_TX_TSO6), NETDEV_TX_TSO6);
    before = pool_count();
    CHECK(nic->ops->tx_segment(nic, segment(&join, false), &join)); /* no longer offered: lost */
    CHECK_EQ(nic->counters.tx_drops, 3);
    CHECK_EQ(pool_count(), before);
}

TEST(segments_find_a_full_queue)
{
    struct virtq_desc piece;
    struct net_join join;
    struct pktbuf *first;
    u32 before;
    u16 head;

    start(ALL_FEATURES | SEGMENTS);
    before = pool_count();
    for (u32 i = 0; i < 254; i++)
        CHECK(nic->ops->tx(nic, frame(60)));
    first = segment(&join, false);
    CHECK(!nic->ops->tx_segment(nic, first, &join)); /* room for two pieces of three */
    nic->ops->tx_flush(nic);
    CHECK(is_sent(&piece, &head));
    fake_virtio_push(TX, head, 0);
    CHECK(nic->ops->tx_segment(nic, first, &join));
    nic->wake = NULL;
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK(nic->counters.resets == 1);
    CHECK_EQ(nic->counters.tx_drops, 253 + 3);
    CHECK_EQ(pool_count(), before);
}

TEST(a_full_queue_refuses_and_recovers)
{
    struct virtq_desc piece;
    struct pktbuf *pkt;
    u32 before, sent = 0;
    u16 head;

    start(ALL_FEATURES);
    before = pool_count();
    while ((pkt = frame(60)) != NULL && nic->ops->tx(nic, pkt))
        sent++;
    CHECK_EQ(sent, 256);
    nic->ops->tx_flush(nic);
    while (is_sent(&piece, &head))
        fake_virtio_push(TX, head, 0);
    CHECK(nic->ops->tx(nic, pkt));
    nic->ops->tx_flush(nic);
    CHECK(is_sent(&piece, &head));
    fake_virtio_push(TX, head, 0);
    nic->ops->tx_flush(nic);
    CHECK_EQ(pool_count(), before);
}

TEST(interrupts)
{
    start(ALL_FEATURES);
    CHECK(!nic->ops->irq_enable(nic));
    receive(0, 0, 0, 72);
    CHECK(nic->ops->irq_enable(nic)); /* came in between */
    pktbuf_free(nic->ops->rx_poll(nic));
    CHECK(!nic->ops->irq_enable(nic));
    nic->link_changed = false;
    CHECK(fake.handler(fake.handler_arg));
    CHECK(wakes == 1 && !nic->link_changed);
    fake.config[VIRTIO_NET_CONFIG_STATUS] = 0;
    fake.generation++;
    CHECK(fake.handler(fake.handler_arg));
    CHECK(nic->link_changed && !nic->ops->link_up(nic));
}

TEST(lines_are_believed_when_an_interrupt_came)
{
    machine(ALL_FEATURES);
    fake.irq_kind = PCI_IRQ_INTX;
    CHECK_EQ(probe(), 0);
    CHECK(!nic->is_polled);
    CHECK(!fake.handler(fake.handler_arg)); /* another device's on the same line */
    machine(ALL_FEATURES);
    fake.irq_kind = PCI_IRQ_INTX;
    interrupts_come = false;
    CHECK_EQ(probe(), 0);
    CHECK(nic->is_polled && fake.handler == NULL);
    CHECK(!nic->ops->irq_enable(nic));
    machine(BIT(32) | VIRTIO_NET_F_MAC); /* nothing to try it with */
    fake.irq_kind = PCI_IRQ_INTX;
    CHECK_EQ(probe(), 0);
    CHECK(nic->is_polled);
    machine(ALL_FEATURES);
    fake.irq_kind = PCI_IRQ_NONE;
    CHECK_EQ(probe(), 0);
    CHECK(nic->is_polled);
}

TEST(a_control_queue_that_never_answers)
{
    machine(ALL_FEATURES);
    ctrl_is_dead = true;
    CHECK_EQ(probe(), 0); /* more frames than needed come: no reason to do without the network */
    CHECK(fake.now < NS_PER_S);
}
