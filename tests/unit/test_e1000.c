/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/e1000.c drivers/net/e1000_legacy.c drivers/net/e1000_rings.c
 * drivers/net/igb_desc.c drivers/net/inet.c drivers/net/pktbuf.c drivers/net/pktbuf_csum.c
 * drivers/net/pktbuf_join.c
 * drivers/net/tcp_segment.c core/lib/str.c tests/fakes/assert.c tests/fakes/log.c
 */
/* The Intel cards' shared part: address, interrupts, received frames in both formats, probe. */
#include "tests/unit/e1000_rig.h"

TEST(the_address_is_made_valid)
{
    static const u8 mac[6] = {0, 0, 1, 0, 2, 0};

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0); /* address register 0 says "not valid" */
    CHECK(memcmp(registered->mac, mac, 6) == 0);
    CHECK_EQ(regs[E1000_RAL0 / 4], 0x00010000);
    CHECK_EQ(regs[E1000_RAH0 / 4], E1000_RAH_AV | 0x0002);
}

TEST(interrupts_that_arrive)
{
    CHECK_EQ(probe(PCI_IRQ_INTX, true), 0);
    CHECK(!registered->is_polled);
    registered->wake = wake;
    regs[E1000_IMC / 4] = 0;
    CHECK(!handler(handler_arg)); /* another device's on the same line: nothing is masked */
    CHECK_EQ(regs[E1000_IMC / 4], 0);
    CHECK_EQ(wakes, 0);
    regs[E1000_ICR / 4] = E1000_ICR_RXT0;
    CHECK(handler(handler_arg));
    CHECK_EQ(regs[E1000_IMC / 4], E1000_IMC_ALL);
    CHECK_EQ(wakes, 1);
    CHECK(!registered->ops->irq_enable(registered));
    CHECK((regs[E1000_IMS / 4] & E1000_ICR_RXT0) != 0);
    rx_desc(0)->word = legacy_rx(60, 3, 0); /* came in between */
    CHECK(registered->ops->irq_enable(registered));
}

TEST(interrupts_that_do_not)
{
    u64 start = now;

    CHECK_EQ(probe(PCI_IRQ_INTX, false), 0);
    CHECK(registered->is_polled);
    CHECK(handler == NULL); /* given back */
    CHECK(now - start < NS_PER_S);
    regs[E1000_IMS / 4] = 0;
    CHECK(!registered->ops->irq_enable(registered));
    CHECK_EQ(regs[E1000_IMS / 4], 0);
    CHECK_EQ(probe(PCI_IRQ_NONE, true), 0);
    CHECK(registered->is_polled);
}

/* Words that say: bad frames, one of them in two descriptors, then a good one of 1518 bytes with a
 * good checksum. */
static void receive_all(const u64 *words, u32 bad)
{
    struct pktbuf *pkt;
    u32 before;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    before = pool_count();
    for (u32 i = 0; i <= bad; i++)
        rx_desc(i)->word = words[i];
    pkt = registered->ops->rx_poll(registered);
    CHECK(pkt != NULL && pkt->len == 1518 && pkt->csum == PKTBUF_CSUM_VALID);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    pktbuf_free(pkt);
    CHECK_EQ(pool_count(), before);
    CHECK_EQ(registered->counters.rx_errors, bad - 1);
    for (u32 i = 0; i <= bad; i++)
        CHECK(rx_desc(i)->word == 0 && rx_desc(i)->address != 0);
}

TEST(bad_lengths_never_leave_the_driver)
{
    const u64 legacy[] = {
        legacy_rx(0, 3, 0),  legacy_rx(13, 3, 0), legacy_rx(1519, 3, 0),    legacy_rx(0xffff, 3, 0),
        legacy_rx(60, 1, 0), legacy_rx(60, 3, 1), legacy_rx(1518, 0x23, 0),
    };
    const u64 advanced[] = {
        advanced_rx(0, 3, 0),       advanced_rx(13, 3, 0), advanced_rx(1519, 3, 0),
        advanced_rx(0xffff, 3, 0),  advanced_rx(60, 1, 0), advanced_rx(60, 3, 0x800),
        advanced_rx(1518, 0x23, 0),
    };

    receive_all(legacy, 6);
    model.format = &e1000_advanced;
    receive_all(advanced, 6);
    model.format = &e1000_legacy;
}

/* The network's MTU is so, as net_task tells the driver. */
static void set_mtu(u32 mtu)
{
    CHECK_EQ(registered->mtu_max, 9000);
    registered->mtu = mtu;
    registered->ops->set_mtu(registered);
}

/* The next `count` descriptors are filled: each with its number. */
static void fill(u32 from, const u64 *words, u32 count)
{
    struct e1000 *nic = container_of(registered, struct e1000, dev);

    for (u32 i = from; i < from + count; i++) {
        memset(pktbuf_data(nic->rx[i]), (int)i + 1, 2048);
        rx_desc(i)->word = words[i - from];
    }
}

/* A frame of 9018 bytes, in five descriptors of which the first two come earlier. */
static void receive_long(const u64 words[5])
{
    static const u32 ends[] = {0, 2047, 2048, 8191, 8192, 9017};
    struct pktbuf *pkt;

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    CHECK((regs[E1000_RCTL / 4] & E1000_RCTL_LPE) == 0);
    set_mtu(9000);
    CHECK((regs[E1000_RCTL / 4] & E1000_RCTL_LPE) != 0);
    fill(0, words, 2);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    fill(2, words + 2, 3);
    pkt = registered->ops->rx_poll(registered);
    if (CHECK(pkt != NULL && pkt->len == 9018 && pkt->csum == PKTBUF_CSUM_VALID)) {
        for (u32 i = 0; i < ARRAY_SIZE(ends); i++)
            CHECK_EQ(pktbuf_data(pkt)[ends[i]], ends[i] / 2048 + 1);
        pktbuf_free(pkt);
    }
    for (u32 i = 0; i < 5; i++)
        CHECK(rx_desc(i)->word == 0 && rx_desc(i)->address != 0);
    CHECK_EQ(registered->counters.rx_errors, 0);
}

TEST(a_long_frame_in_several_descriptors)
{
    const u64 legacy[] = {legacy_rx(2048, 1, 0), legacy_rx(2048, 1, 0), legacy_rx(2048, 1, 0),
                          legacy_rx(2048, 1, 0), legacy_rx(826, 0x23, 0)};
    const u64 advanced[] = {advanced_rx(2048, 1, 0), advanced_rx(2048, 1, 0),
                            advanced_rx(2048, 1, 0), advanced_rx(2048, 1, 0),
                            advanced_rx(826, 0x23, 0)};

    receive_long(legacy);
    model.format = &e1000_advanced;
    receive_long(advanced);
    model.format = &e1000_legacy;
}

TEST(long_frames_that_are_lost)
{
    const u64 longer[] = {legacy_rx(2048, 1, 0), legacy_rx(2048, 1, 0), legacy_rx(2048, 1, 0),
                          legacy_rx(2048, 1, 0), legacy_rx(827, 3, 0)};
    const u64 damaged[] = {legacy_rx(2048, 1, 0), legacy_rx(100, 3, 1)};
    const u64 outside[] = {legacy_rx(2049, 3, 0), legacy_rx(0xffff, 1, 0), legacy_rx(10, 3, 0)};
    const u64 tiny[] = {legacy_rx(6, 1, 0), legacy_rx(7, 3, 0)};
    const u64 good[] = {legacy_rx(2048, 1, 0), legacy_rx(1000, 3, 0)};
    struct pktbuf *held[2];

    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    set_mtu(9000);
    fill(0, longer, 5);
    fill(5, damaged, 2);
    fill(7, outside, 3);
    fill(10, tiny, 2);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    CHECK_EQ(registered->counters.rx_errors, 5);
    held[0] = pktbuf_alloc_for(9018);
    held[1] = pktbuf_alloc_for(9018);
    fill(12, good, 2);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    CHECK_EQ(registered->counters.rx_drops, 1);
    pool_give(held, 2);
    fill(14, good, 2);
    held[0] = registered->ops->rx_poll(registered);
    if (CHECK(held[0] != NULL && held[0]->len == 3048))
        pktbuf_free(held[0]);
    set_mtu(1500);
    CHECK((regs[E1000_RCTL / 4] & E1000_RCTL_LPE) == 0);
    fill(16, good, 2);
    CHECK(registered->ops->rx_poll(registered) == NULL);
    CHECK_EQ(registered->counters.rx_errors, 6);
    CHECK_EQ(registered->counters.rx_drops, 1);
}

TEST(what_is_believed_of_checksums)
{
    CHECK(e1000_legacy.rx_parse(legacy_rx(60, 0x23, 0)).csum_ok);
    CHECK(!e1000_legacy.rx_parse(legacy_rx(60, 0x03, 0)).csum_ok);    /* not checked */
    CHECK(!e1000_legacy.rx_parse(legacy_rx(60, 0x27, 0)).csum_ok);    /* to be ignored */
    CHECK(!e1000_legacy.rx_parse(legacy_rx(60, 0x23, 0x20)).csum_ok); /* wrong */
    CHECK(!e1000_legacy.rx_parse(legacy_rx(60, 0x63, 0x40)).csum_ok); /* the IP header's */
    CHECK(!e1000_legacy.rx_parse(legacy_rx(60, 0x63, 0x60)).is_bad);  /* others may count it */
    CHECK(e1000_legacy.rx_parse(legacy_rx(60, 0x63, 0x80)).is_bad);
    CHECK(e1000_advanced.rx_parse(advanced_rx(60, 0x23, 0)).csum_ok);
    CHECK(!e1000_advanced.rx_parse(advanced_rx(60, 0x03, 0)).csum_ok);
    CHECK(!e1000_advanced.rx_parse(advanced_rx(60, 0x23, 0x200)).csum_ok);
    CHECK(!e1000_advanced.rx_parse(advanced_rx(60, 0x63, 0x400)).csum_ok);
    CHECK(!e1000_advanced.rx_parse(advanced_rx(60, 0x63, 0x600)).is_bad);
}

TEST(a_failed_probe_gives_everything_back)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count, before;

    put_away();
    before = reserved;
    count = pool_take(taken, BUFFERS - 10); /* the rest is too few for a ring */
    CHECK_EQ(probe(PCI_IRQ_INTX, true), -ENOMEM);
    CHECK(registered == NULL && handler == NULL && !is_enabled);
    CHECK_EQ(dma_buffers, 0);
    CHECK_EQ(reserved, before);
    CHECK_EQ(pool_count(), 10);
    pool_give(taken, count);
    CHECK_EQ(probe(PCI_IRQ_INTX, true), 0);
    CHECK(is_enabled);
}

/* From the 82576 on queues are turned on one by one, and may refuse. */
TEST(a_queue_that_is_turned_on)
{
    model.rxdctl = model.txdctl = E1000_QUEUE_ENABLE;
    model.srrctl = E1000_SRRCTL_BSIZE_2K | E1000_SRRCTL_ADV_ONE;
    CHECK_EQ(probe(PCI_IRQ_NONE, false), 0);
    CHECK_EQ(regs[E1000_RXDCTL / 4], E1000_QUEUE_ENABLE);
    CHECK_EQ(regs[E1000_SRRCTL / 4], 0x02000002);
    model.rxdctl = model.txdctl = model.srrctl = 0;
}
