/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_balloon.c core/vdev/virtio_balloon_map.c
 * core/vdev/virtio_net*.c drivers/net/tcp_segment.c core/vdev/virtio_pci.c
 * core/vdev/virtio_rng.c core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c
 * core/vdev/vlapic_regs.c core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c
 * core/vdev/vpci_access.c core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c
 * core/vdev/vpit.c core/vdev/vpm.c core/vdev/vrtc.c core/vdev/vrtc_time.c core/vdev/vuart.c
 * tests/fakes/fake_board.c tests/fakes/fake_board_net.c tests/fakes/fake_gmem.c
 * tests/fakes/fake_timer.c tests/fakes/assert.c
 */
/* The emulated network card's offloads: segments cut and joined, mergeable buffers, several pairs
 * of queues. */
#include "tests/unit/virtio_nic_rig.h"

#define F_GUEST_TSO4 BIT(7)
#define F_HOST_TSO4  BIT(11)
#define F_HOST_ECN   BIT(13)
#define F_MRG        BIT(15)
#define F_CTRL       BIT(17)
#define F_MQ         BIT(22)
#define F_MAC_ADDR   BIT(23)
#define TSO          (F_CSUM | F_HOST_TSO4)
#define LRO          (F_GUEST_CSUM | F_GUEST_TSO4)

#define HEADERS 54u /* Ethernet, IPv4, TCP */
#define ACK     0x10u
#define PSH     0x08u

static void put16(u8 *at, u32 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

/* A TCP segment of IPv4. */
static void segment(u8 *at, u32 seq, u32 payload, u8 flags)
{
    memset(at, 0, HEADERS);
    at[12] = 8;
    at[14] = 0x45;
    put16(at + 16, 40 + payload);
    at[20] = 0x40;
    at[23] = 6;
    put16(at + 40, seq);
    at[46] = 0x50;
    at[47] = flags;
    for (u32 i = 0; i < payload; i++)
        at[HEADERS + i] = (u8)((seq + i) * 7);
}

/* A segment for the card to cut, in the buffer. */
static void want(u8 type, u32 payload, u16 mss)
{
    const u16 words[5] = {0xffff, mss, 34, 16, 0}; /* hdr_len is a lie */

    fake_ram[BUFFER] = 1;
    fake_ram[BUFFER + 1] = type;
    memcpy(fake_ram + BUFFER + 2, words, sizeof(words));
    segment(fake_ram + BUFFER + HEADER, 0, payload, ACK | PSH);
}

static void arrive_segment(u32 seq, u32 payload, u8 flags)
{
    struct pktbuf *pkt = pktbuf_alloc();

    segment(pktbuf_data(pkt), seq, payload, flags);
    pkt->len = (u16)(HEADERS + payload);
    pkt->csum = PKTBUF_CSUM_VALID;
    CHECK(ring_push(&fake_port->inbox, pkt));
}

static void wake(void)
{
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
}

TEST(a_segment_is_sent_as_frames)
{
    struct pktbuf *pkt;
    u32 payload = 0;

    setup(TSO);
    want(1, 3500, 1460);
    add(TX, BUFFER, HEADER + HEADERS + 3500);
    ring(TX);
    CHECK_EQ(used(TX), 1);
    for (u32 i = 0; i < 3; i++) {
        pkt = sent();
        if (!CHECK(pkt != NULL))
            break;
        CHECK_EQ(pkt->csum, PKTBUF_CSUM_PARTIAL);
        CHECK_EQ(pktbuf_data(pkt)[HEADERS + 9], (u8)((payload + 9) * 7));
        payload += pkt->len - HEADERS;
        pktbuf_free(pkt);
    }
    CHECK_EQ(payload, 3500);
    CHECK(!sent());
    teardown();
}

TEST(a_full_port_stops_in_the_middle_of_a_segment)
{
    struct pktbuf *pkt;
    u32 payload = 0;

    setup(TSO);
    want(1, 5000, 50); /* 100 frames, and 64 fit */
    add(TX, BUFFER, HEADER + HEADERS + 5000);
    ring(TX);
    CHECK_EQ(used(TX), 0);
    CHECK_EQ(ring_count(&fake_port->outbox), NETPORT_VM_QUEUE);
    while ((pkt = sent()) != NULL) {
        payload += pkt->len - HEADERS;
        pktbuf_free(pkt);
    }
    wake();
    CHECK_EQ(used(TX), 1);
    while ((pkt = sent()) != NULL) {
        payload += pkt->len - HEADERS;
        pktbuf_free(pkt);
    }
    CHECK_EQ(payload, 5000);
    want(1, 5000, 50); /* and a reset in the middle of one */
    add(TX, BUFFER, HEADER + HEADERS + 5000);
    ring(TX);
    start(0);
    fake_gmem_init(0);
    while ((pkt = sent()) != NULL)
        pktbuf_free(pkt);
    wake();
    CHECK(!sent());
    CHECK_EQ(used(TX), 0);
    teardown();
}

TEST(segments_nobody_agreed_on_are_lost)
{
    static const struct {
        u64 features;
        u8 type;
        u16 mss;
    } lies[] = {
        {F_CSUM, 1, 1460}, {F_HOST_TSO4, 1, 1460}, {TSO, 4, 1460},    {TSO, 3, 1460},
        {TSO, 5, 1460},    {TSO, 0x81, 1460},      {TSO, 0x80, 1460}, {TSO, 1, 0},
        {TSO, 1, 1},       {TSO, 1, 1461},         {TSO, 1, 0xffff},
    };

    for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
        setup(lies[i].features);
        want(lies[i].type, 3500, lies[i].mss);
        add(TX, BUFFER, HEADER + HEADERS + 3500);
        ring(TX);
        CHECK_EQ(used(TX), 1);
        CHECK_EQ(fake_port->counters.tx_drops, 1);
        CHECK(!sent());
        teardown();
    }
    setup(TSO | F_HOST_ECN);
    want(0x81, 1000, 1460);
    add(TX, BUFFER, HEADER + HEADERS + 1000);
    ring(TX);
    CHECK_EQ(fake_port->counters.tx_drops, 0);
    pktbuf_free(sent());
    fake_ram[BUFFER] = 0; /* no checksum wanted */
    add(TX, BUFFER, HEADER + HEADERS + 1000);
    ring(TX);
    CHECK_EQ(fake_port->counters.tx_drops, 1);
    teardown();
}

/* What the guest finds in the buffer at an index. */
static const u8 *got(u32 nth)
{
    return fake_ram + BUFFER + nth * 0x800;
}

static u32 word_of(const u8 *at)
{
    return (u32)at[0] | (u32)at[1] << 8;
}

static void give(u32 buffers, u32 bytes)
{
    for (u32 i = 0; i < buffers; i++)
        add(RX, BUFFER + i * 0x800, bytes);
}

TEST(frames_that_follow_each_other_arrive_as_one)
{
    setup(LRO | F_MRG);
    give(4, 0x800);
    for (u32 i = 0; i < 4; i++)
        arrive_segment(i * 1400, 1400, i == 3 ? ACK | PSH : ACK);
    arrive_segment(9000, 100, ACK | PSH); /* does not follow */
    wake();
    CHECK_EQ(used(RX), 4);
    CHECK_EQ(got(0)[0], 1);
    CHECK_EQ(got(0)[1], 1); /* TCPV4 */
    CHECK_EQ(word_of(got(0) + 2), HEADERS);
    CHECK_EQ(word_of(got(0) + 4), 1400);
    CHECK_EQ(word_of(got(0) + 6), 34);
    CHECK_EQ(word_of(got(0) + 8), 16);
    CHECK_EQ(word_of(got(0) + 10), 3); /* buffers */
    CHECK_EQ(used_bytes(RX, 0), 0x800);
    CHECK_EQ(used_bytes(RX, 1), 0x800);
    CHECK_EQ(used_bytes(RX, 2), HEADER + HEADERS + 5600 - 0x1000);
    CHECK_EQ(got(0)[HEADER + 47], ACK | PSH);
    CHECK_EQ(got(0)[HEADER + 16], (40 + 5600) >> 8);
    for (u32 i = 0; i < 5600; i++) {
        u32 at = HEADER + HEADERS + i;

        if (!CHECK_EQ(got(at / 0x800)[at % 0x800], (u8)(i * 7)))
            break;
    }
    CHECK_EQ(got(3)[1], 0);
    CHECK_EQ(used_bytes(RX, 3), HEADER + HEADERS + 100);
    CHECK_EQ(word_of(got(3) + 10), 1);
    teardown();
}

TEST(long_frames_both_ways)
{
    struct pktbuf *pkt;

    fake_mtu = 9000;
    setup(TSO | F_MRG);
    CHECK_EQ(get(CONFIG + 10, 2), 9000);
    memset(fake_ram + BUFFER, 0, HEADER);
    memset(fake_ram + BUFFER + HEADER, 0x77, 9014);
    add(TX, BUFFER, HEADER + 9014);
    add(TX, BUFFER, HEADER + 9019); /* even with a tag this is too long */
    add(TX, BUFFER, HEADER + 60);
    ring(TX);
    CHECK_EQ(used(TX), 3);
    CHECK_EQ(fake_port->counters.tx_drops, 1);
    pkt = sent();
    CHECK(pkt->len == 9014 && pkt->is_big && pktbuf_data(pkt)[9013] == 0x77);
    pktbuf_free(pkt);
    pkt = sent();
    CHECK(pkt->len == 60 && !pkt->is_big); /* it takes no more than it needs */
    pktbuf_free(pkt);
    want(1, 9800, 8960);
    add(TX, BUFFER, HEADER + HEADERS + 9800);
    ring(TX);
    pkt = sent();
    CHECK(pkt->len == HEADERS + 8960 && pktbuf_data(pkt)[pkt->len - 1] == (u8)(8959 * 7));
    pktbuf_free(pkt);
    pkt = sent();
    CHECK(pkt->len == HEADERS + 840 && !pkt->is_big);
    pktbuf_free(pkt);
    CHECK(!sent());
    give(5, 0x800);
    arrive(9014, PKTBUF_CSUM_UNKNOWN);
    CHECK_EQ(used(RX), 5);
    CHECK_EQ(word_of(got(0) + 10), 5);
    CHECK_EQ(used_bytes(RX, 4), HEADER + 9014 - 4 * 0x800);
    CHECK_EQ(got(4)[used_bytes(RX, 4) - 1], 0x5a);
    fake_mtu = ETHERNET_MTU;
    teardown();
}

TEST(what_does_not_fit_follows_later)
{
    setup(LRO | F_MRG);
    give(2, 0x800);
    for (u32 i = 0; i < 4; i++)
        arrive_segment(i * 1400, 1400, ACK);
    wake();
    CHECK_EQ(used(RX), 2); /* two frames, and the half of a third is in nobody's way */
    CHECK_EQ(used_bytes(RX, 0) + used_bytes(RX, 1), HEADER + HEADERS + 2800);
    CHECK_EQ(ring_count(&fake_port->inbox), 2);
    CHECK(!is_muted(RX));
    give(1, 0x800);
    ring(RX);
    CHECK_EQ(used(RX), 3);
    CHECK_EQ(used_bytes(RX, 2), HEADER + HEADERS + 1400);
    give(1, 0x800);
    ring(RX);
    CHECK_EQ(used(RX), 4);
    CHECK(ring_empty(&fake_port->inbox));
    teardown();
}

TEST(buffers_popped_in_vain_are_popped_again)
{
    setup(LRO | F_MRG);
    give(1, 0x800);
    add(RX, BUFFER + 0x800, 700);
    arrive_segment(0, 1400, ACK);
    arrive_segment(1400, 1400, ACK);
    wake();
    CHECK_EQ(used(RX), 1); /* the first frame fits, the second one would not */
    CHECK_EQ(word_of(got(0) + 10), 1);
    CHECK_EQ(got(0)[1], 0);
    add(RX, BUFFER + 0x1000, 0x800);
    ring(RX);
    CHECK_EQ(used(RX), 3);
    CHECK_EQ(used_bytes(RX, 1), 700);
    CHECK_EQ(used_bytes(RX, 2), HEADER + HEADERS + 1400 - 700);
    CHECK_EQ(word_of(got(1) + 10), 2);
    teardown();
}

TEST(large_buffers_need_no_merging)
{
    setup(LRO);
    add(RX, BUFFER, HEADER + HEADERS + 3000);
    for (u32 i = 0; i < 3; i++)
        arrive_segment(i * 1400, 1400, ACK);
    wake();
    CHECK_EQ(used(RX), 1);
    CHECK_EQ(used_bytes(RX, 0), HEADER + HEADERS + 2800);
    CHECK_EQ(word_of(got(0) + 10), 1);
    CHECK_EQ(ring_count(&fake_port->inbox), 1);
    teardown();
}

TEST(who_did_not_ask_gets_frames)
{
    static const u64 features[] = {0, F_MRG, F_GUEST_CSUM | F_MRG, F_GUEST_TSO4 | F_MRG};

    for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
        setup(features[i]);
        give(2, 0x800);
        arrive_segment(0, 1400, ACK);
        arrive_segment(1400, 1400, ACK);
        wake();
        CHECK_EQ(used(RX), 2);
        CHECK_EQ(got(0)[1], 0);
        CHECK_EQ(used_bytes(RX, 1), HEADER + HEADERS + 1400);
        teardown();
    }
}

TEST(hopeless_buffers_lose_the_frame_alone)
{
    setup(LRO | F_MRG);
    add(RX, BUFFER, HEADER - 1);
    arrive_segment(0, 1400, ACK);
    wake();
    CHECK_EQ(used(RX), 1);
    CHECK_EQ(used_bytes(RX, 0), 0);
    arrive_segment(0, 1400, ACK);
    for (u32 i = 0; i < SIZE; i++) {
        CHECK_EQ(used(RX), 1);
        add(RX, BUFFER, i == 0 ? HEADER : 1); /* all too little together */
        ring(RX);
    }
    CHECK_EQ(used(RX), 2);
    CHECK_EQ(used_bytes(RX, 1), 0);
    CHECK_EQ(fake_port->counters.rx_drops, 2);
    CHECK(!(get(BAR + COMMON_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET));
    teardown();
}

/* -- pairs of queues --------------------------------------------------------------------------- */

/* One command; the answer is the last byte of the buffer. */
static u8 command(const void *text, u32 bytes)
{
    u32 index = added[CTRL] % SIZE;
    const u32 table[8] = {BUFFER, 0, bytes, 1 | (index + 1) << 16, BUFFER + 0x100, 0, 1, 2};
    u16 head = (u16)index;

    memcpy(fake_ram + BUFFER, text, bytes);
    fake_ram[BUFFER + 0x100] = 0xee;
    memcpy(fake_ram + DESCRIPTORS(CTRL) + 16 * index, table, sizeof(table));
    memcpy(fake_ram + DRIVER(CTRL) + 4 + 2 * index, &head, 2);
    added[CTRL]++;
    memcpy(fake_ram + DRIVER(CTRL) + 2, &added[CTRL], 2);
    ring(CTRL);
    return fake_ram[BUFFER + 0x100];
}

TEST(another_address_where_nobody_checks_it)
{
    static const u8 other[] = {1, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55};
    static const u8 group[] = {1, 1, 3, 0x11, 0x22, 0x33, 0x44, 0x55};
    static const u8 own[] = {1, 1, 2, 0, 0, 0, 0, 1};

    setup_vcpus(F_CTRL | F_MQ | F_MAC_ADDR, 2);
    CHECK_EQ(command(other, sizeof(other)), 0);
    CHECK_EQ(get(CONFIG, 4), 0x33221102);
    CHECK_EQ(command(group, sizeof(group)), 1);
    CHECK_EQ(command(own, sizeof(own)), 0);
    CHECK_EQ(get(CONFIG, 4), 0x00000002);

    fake_port->cfg.flags |= NETPORT_CHECK_MAC;
    CHECK_EQ(command(other, sizeof(other)), 1);
    CHECK_EQ(command(own, sizeof(own)), 0);
    CHECK_EQ(command(own, sizeof(own) - 1), 1);
    fake_port->cfg.flags &= ~NETPORT_CHECK_MAC;

    fake_gmem_init(0);
    start(F_CTRL | F_MQ); /* who did not take the feature */
    CHECK_EQ(command(other, sizeof(other)), 1);
    CHECK_EQ(get(CONFIG, 4), 0x00000002);
    teardown();
}

TEST(an_address_lasts_until_the_reset)
{
    static const u8 other[] = {1, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55};

    setup_vcpus(F_CTRL | F_MQ | F_MAC_ADDR, 2);
    CHECK_EQ(command(other, sizeof(other)), 0);
    put(BAR + COMMON_STATUS, 1, 0);
    CHECK_EQ(get(CONFIG, 4), 0x00000002);
    CHECK_EQ(get(CONFIG + 4, 2), 0x0100);
    teardown();
}

TEST(pairs_are_as_many_as_vcpus)
{
    setup_vcpus(F_CTRL | F_MQ, 2);
    CHECK_EQ(get(CONFIG + 8, 2), 2);
    CHECK_EQ(get(BAR + COMMON_QUEUE_COUNT, 2), 5);
    teardown();
    setup(0);
    CHECK_EQ(get(CONFIG + 8, 2), 1);
    put(BAR + COMMON_FEATURE_SELECT, 4, 0);
    CHECK_EQ(get(BAR + COMMON_FEATURE, 4) & F_MQ, 0);
    teardown();
}

TEST(the_driver_says_how_many_pairs_it_uses)
{
    static const struct {
        u8 bytes[4];
        u32 length;
        u8 answer;
    } commands[] = {
        {{4, 0, 2, 0}, 4, 0}, {{4, 0, 1, 0}, 4, 0}, {{4, 0, 0, 0}, 4, 1}, {{4, 0, 3, 0}, 4, 1},
        {{4, 0, 2, 1}, 4, 1}, {{4, 1, 2, 0}, 4, 1}, {{4, 0, 2, 0}, 3, 1}, {{4, 0, 2, 0}, 1, 1},
    };

    setup_vcpus(F_CTRL | F_MQ, 2);
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(command(commands[i].bytes, commands[i].length), commands[i].answer);
    start(F_CTRL | F_MQ);
    fake_gmem_init(0);
    for (u32 i = 3; i < ARRAY_SIZE(commands) - 1; i++)
        CHECK_EQ(command(commands[i].bytes, commands[i].length), commands[i].answer);
    teardown();
}

TEST(frames_go_to_the_pair_that_sends_the_flow)
{
    static const u8 two[4] = {4, 0, 2, 0};

    setup_vcpus(F_CTRL | F_MQ | F_CSUM, 2);
    CHECK_EQ(command(two, sizeof(two)), 0);
    for (u32 pair = 0; pair < 2; pair++) {
        struct pktbuf *pkt;

        memset(fake_ram + BUFFER, 0, HEADER);
        segment(fake_ram + BUFFER + HEADER, 0, 10, ACK);
        add(2 * pair + 1, BUFFER, HEADER + HEADERS + 10);
        ring(2 * pair + 1);
        CHECK_EQ(used(2 * pair + 1), 1);
        pkt = sent();
        if (CHECK(pkt != NULL))
            pktbuf_free(pkt);
        add(2 * pair, BUFFER + 0x800, 0x800);
        arrive_segment(0, 100, ACK);
        wake();
        CHECK_EQ(used(2 * pair), 1);
    }
    arrive_segment(0, 100, ACK); /* waits for its own pair's buffers */
    add(0, BUFFER, 0x800);
    wake();
    CHECK_EQ(used(0), 1);
    CHECK(!is_muted(2));
    add(2, BUFFER, 0x800);
    ring(2);
    CHECK_EQ(used(2), 2);
    teardown();
}

TEST(a_pair_no_longer_in_use_gets_no_answers)
{
    static const u8 two[4] = {4, 0, 2, 0};
    struct pktbuf *pkt;

    setup_vcpus(F_CTRL | F_MQ | F_CSUM, 3);
    CHECK_EQ(command(two, sizeof(two)), 0);
    memset(fake_ram + BUFFER, 0, HEADER);
    segment(fake_ram + BUFFER + HEADER, 0, 10, ACK);
    add(5, BUFFER, HEADER + HEADERS + 10); /* the third's, on its way when the driver said so */
    ring(5);
    CHECK_EQ(used(5), 1);
    pkt = sent();
    if (CHECK(pkt != NULL))
        pktbuf_free(pkt);
    for (u32 queue = 0; queue < 6; queue += 2)
        add(queue, BUFFER + 0x800, 0x800);
    arrive_segment(0, 100, ACK);
    wake();
    CHECK_EQ(used(0) + used(2), 1);
    CHECK_EQ(used(4), 0);
    teardown();
}

TEST(every_pair_is_looked_after)
{
    struct pktbuf *pkt;

    setup_vcpus(F_CTRL | F_MQ, 2);
    for (u32 queue = 1; queue < 4; queue += 2) {
        add(queue, BUFFER, HEADER + 60);
        ring(queue);
        CHECK(is_muted(queue));
    }
    for (u32 queue = 1; queue < 4; queue += 2)
        add(queue, BUFFER, HEADER + 60);
    wake();
    CHECK_EQ(used(1), 2);
    CHECK_EQ(used(3), 2);
    wake();
    CHECK(!is_muted(1) && !is_muted(3));
    while ((pkt = sent()) != NULL)
        pktbuf_free(pkt);
    teardown();
}

/* Without the feature the control queue is the third one, and there is no second pair. */
TEST(one_pair_without_the_feature)
{
    setup_vcpus(F_CTRL, 2);
    add(3, BUFFER, HEADER + 60);
    ring(3);
    CHECK_EQ(used(3), 0);
    add(2, BUFFER, 1); /* an answer without a command */
    ring(2);
    CHECK_EQ(used(2), 1);
    CHECK_EQ(fake_ram[BUFFER], 1);
    teardown();
}
