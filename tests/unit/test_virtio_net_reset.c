/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/inet.c drivers/net/pktbuf.c drivers/net/pktbuf_csum.c
 * drivers/net/pktbuf_join.c
 * drivers/net/tcp_segment.c drivers/net/virtio_net.c drivers/net/virtio_net_rings.c
 * drivers/virtio/v*c core/lib/str.c tests/fakes/assert.c tests/fakes/log.c tests/fakes/virtio.c
 */
/* The host's virtio-net driver: hangs, resets, and devices that break the rules. */
#include "tests/unit/virtio_net_rig.h"

static void send_one(void)
{
    CHECK(nic->ops->tx(nic, frame(60)));
    nic->ops->tx_flush(nic);
}

TEST(a_transmitter_that_stands_still)
{
    struct virtq_desc piece;
    u32 before, resets;
    u16 head;

    start(ALL_FEATURES);
    before = pool_count();
    resets = fake.resets;
    send_one();
    fake.config[VIRTIO_NET_CONFIG_STATUS] = 0;
    fake.now += 10 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.resets, resets); /* no wonder: the link is down */
    fake.config[VIRTIO_NET_CONFIG_STATUS] = VIRTIO_NET_S_LINK_UP;
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.resets, resets);
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.resets, resets + 1);
    CHECK(nic->counters.resets == 1 && nic->counters.tx_drops == 1);
    CHECK_EQ(pool_count(), before);
    send_one(); /* and it works again */
    CHECK(is_sent(&piece, &head));
    fake_virtio_push(TX, head, 0);
    nic->ops->tx_flush(nic);
    receive(0, 0, 0, 72);
    pktbuf_free(nic->ops->rx_poll(nic));
    CHECK_EQ(pool_count(), before);
}

TEST(hostile_rings_lead_to_a_reset_now_and_then)
{
    struct pktbuf *pkt;
    u32 before, resets;

    start(ALL_FEATURES);
    before = pool_count();
    resets = fake.resets;
    for (u32 i = 0; i < 50; i++) {
        fake_virtio_push(i % 2 != 0 ? TX : RX, 77 + 1000 * (i % 3), 1u << (i % 32));
        CHECK(nic->ops->rx_poll(nic) == NULL);
        pkt = frame(60);
        if (!nic->ops->tx(nic, pkt))
            pktbuf_free(pkt);
        nic->ops->tx_flush(nic);
    }
    CHECK(fake.resets > resets && fake.now < NETDEV_HANG_NS);
    CHECK_EQ(fake.resets, resets + 1); /* not one for each: that would be all we do */
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.resets, resets + 2);
    CHECK_EQ(pool_count(), before);
    receive(0, 0, 0, 72);
    pktbuf_free(nic->ops->rx_poll(nic));
}

TEST(a_device_that_asks_for_a_reset)
{
    u32 resets;

    start(ALL_FEATURES);
    resets = fake.resets;
    fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    CHECK(!nic->ops->link_up(nic));
    nic->ops->tx_flush(nic);
    CHECK_EQ(fake.resets, resets + 1);
    CHECK(nic->ops->link_up(nic));
}

TEST(a_device_that_does_not_come_back)
{
    u32 before;

    start(ALL_FEATURES);
    before = pool_count();
    send_one();
    fake.resets_never = true;
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK(!fake.is_master); /* it cannot reach the buffers that others have now */
    CHECK_EQ(pool_count(), before + 256);
    CHECK(!nic->ops->link_up(nic));
    CHECK(nic->ops->rx_poll(nic) == NULL && !nic->ops->irq_enable(nic));
    CHECK(nic->ops->tx(nic, frame(60))); /* dropped, so that nobody waits for it */
    nic->ops->tx_flush(nic);
    CHECK_EQ(pool_count(), before + 256);
    CHECK_EQ(nic->counters.tx_drops, 2);
}

TEST(a_restart_that_fails_is_tried_again)
{
    u32 before;

    start(ALL_FEATURES);
    before = pool_count();
    send_one();
    fake.refuses_features = true;
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK_EQ(pool_count(), before + 256);
    CHECK(!nic->ops->link_up(nic));
    fake.refuses_features = false;
    nic->ops->tx_flush(nic);
    CHECK(!nic->ops->link_up(nic)); /* not so soon */
    fake.now += 3 * NS_PER_S;
    nic->ops->tx_flush(nic);
    CHECK(nic->ops->link_up(nic));
    CHECK_EQ(pool_count(), before);
}
