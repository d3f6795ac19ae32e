/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/net_transmit.c drivers/net/tcp_segment.c drivers/net/pktbuf.c
 * tests/fakes/assert.c
 */
/* Frames to a NIC: what is joined, what stays apart, in which order, and with a full ring. */
#include "drivers/net/net_transmit.h"

#include "drivers/net/pktbuf_pool.h"
#include "tests/unit/harness.h"

#include <string.h>

#define BUFFERS 256u
#define HEADERS 54u
#define MSS     1000u

static struct pktbuf pkts[BUFFERS];
static u8 buffers[BUFFERS][PKTBUF_BYTES];
static struct netdev dev;
static u32 sent[BUFFERS], sent_count, flushes; /* frames in each, as the device got them */
static u32 next_seq;                           /* of the first byte the device has not seen */
static bool is_full;

static u32 get(const u8 *at, u32 bytes)
{
    u32 value = 0;

    for (u32 i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void put(u8 *at, u32 value, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        at[i] = (u8)(value >> (8 * (bytes - 1 - i)));
}

static bool note(struct pktbuf *first, u32 count, u32 payload)
{
    if (is_full)
        return false;
    CHECK_EQ(get(pktbuf_data(first) + 38, 4), next_seq); /* nothing is out of order */
    CHECK_EQ(get(pktbuf_data(first) + 16, 2), 40 + payload);
    next_seq += payload;
    sent[sent_count++] = count;
    while (first != NULL) {
        struct pktbuf *next = first->next;

        pktbuf_free(first);
        first = next;
    }
    return true;
}

static bool tx(struct netdev *d, struct pktbuf *pkt)
{
    CHECK(d == &dev && pkt->next == NULL);
    return note(pkt, 1, pkt->len - HEADERS);
}

static bool tx_segment(struct netdev *d, struct pktbuf *first, const struct net_join *join)
{
    u32 count = 0, payload = 0;

    for (const struct pktbuf *pkt = first; pkt != NULL; pkt = pkt->next, count++)
        payload += pkt->len - HEADERS;
    CHECK(d == &dev && count > 1);
    CHECK_EQ(join->count, count);
    CHECK_EQ(join->payload, payload);
    CHECK(first->len == HEADERS + join->mss && join->mss >= NETDEV_SEGMENT_MSS);
    return note(first, count, payload);
}

static void tx_flush(struct netdev *d)
{
    CHECK(d == &dev);
    flushes++;
}

static u32 pool_count(void)
{
    static struct pktbuf *taken[BUFFERS];
    u32 count = 0;

    while (count < BUFFERS && (taken[count] = pktbuf_alloc()) != NULL)
        count++;
    for (u32 i = 0; i < count; i++)
        pktbuf_free(taken[i]);
    return count;
}

static void start(u32 features)
{
    static const struct netdev_ops ops = {.tx = tx, .tx_segment = tx_segment, .tx_flush = tx_flush};

    if (dev.ops == NULL)
        for (u32 i = 0; i < BUFFERS; i++)
            pktbuf_pool_add(&pkts[i], buffers[i], hpa((u64)buffers[i]));
    CHECK_EQ(pool_count(), BUFFERS);
    dev = (struct netdev){.ops = &ops, .features = features};
    sent_count = flushes = next_seq = 0;
    is_full = false;
}

/* A frame of TCP over IPv4 whose checksum is left to others. */
static struct pktbuf *frame(u32 seq, u32 payload)
{
    struct pktbuf *pkt = pktbuf_alloc();
    u8 *data = pktbuf_data(pkt);

    memset(data, 0, HEADERS);
    put(data + 12, 0x0800, 2);
    data[14] = 0x45;
    put(data + 16, 40 + payload, 2);
    data[20] = 0x40;
    data[23] = 6;
    put(data + 38, seq, 4);
    data[46] = 0x50;
    data[47] = 0x10;
    pkt->len = (u16)(HEADERS + payload);
    pkt->csum = PKTBUF_CSUM_PARTIAL;
    pkt->csum_start = 34;
    pkt->csum_offset = 16;
    return pkt;
}

/* One that continues nothing. */
static struct pktbuf *last(u32 seq, u32 payload)
{
    struct pktbuf *pkt = frame(seq, payload);

    pktbuf_data(pkt)[47] = 0x11; /* FIN */
    return pkt;
}

/* `count` frames that follow each other. */
static u32 send(u32 seq, u32 count, u32 payload)
{
    for (u32 i = 0; i < count; i++, seq += payload)
        netdev_transmit(&dev, frame(seq, payload));
    return seq;
}

static void check_sent(const u32 *expected, u32 count)
{
    u64 frames = 0, segments = 0;

    CHECK_EQ(sent_count, count);
    for (u32 i = 0; i < MIN(count, sent_count); i++) {
        CHECK_EQ(sent[i], expected[i]);
        frames += expected[i];
        segments += expected[i] > 1;
    }
    CHECK_EQ(dev.counters.tx_frames, frames);
    CHECK_EQ(dev.counters.tx_segments, segments);
    CHECK_EQ(dev.counters.tx_bytes, next_seq + frames * HEADERS);
    CHECK_EQ(pool_count(), BUFFERS);
}

TEST(frames_that_follow_each_other_are_one_segment)
{
    static const u32 expected[] = {6, 3};
    u32 seq;

    start(NETDEV_TX_TSO4);
    seq = send(0, 5, MSS);
    CHECK_EQ(sent_count, 0);
    seq = send(seq, 1, 10); /* a shorter one ends it */
    seq = send(seq, 3, MSS);
    CHECK_EQ(sent_count, 1);
    netdev_transmit_flush(&dev);
    CHECK(flushes == 1 && !netdev_transmit_is_waiting(&dev));
    check_sent(expected, ARRAY_SIZE(expected));
}

TEST(a_segment_has_its_limits)
{
    static const u32 expected[] = {NETDEV_SEGMENT_FRAMES, 12, 44, 1};
    u32 seq;

    start(NETDEV_TX_TSO4);
    seq = send(0, NETDEV_SEGMENT_FRAMES + 12, MSS);
    netdev_transmit_flush(&dev);
    (void)send(seq, 45, 1460); /* the longest packet there is */
    netdev_transmit_flush(&dev);
    check_sent(expected, ARRAY_SIZE(expected));
}

TEST(what_stays_as_it_is)
{
    static const u32 features[] = {0, NETDEV_TX_CSUM, NETDEV_TX_TSO6};
    static const u32 expected[] = {1, 1, 1, 1, 1, 1};

    for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
        start(features[i]);
        (void)send(0, 3, MSS);
        check_sent(expected, 3);
    }
    start(NETDEV_TX_TSO4 | NETDEV_TX_TSO6);
    (void)send(0, 3, NETDEV_SEGMENT_MSS - 1);
    for (u32 i = 0; i < 3; i++) { /* its checksum is known */
        struct pktbuf *pkt = frame(next_seq, MSS);

        pkt->csum = PKTBUF_CSUM_VALID;
        netdev_transmit(&dev, pkt);
    }
    check_sent(expected, 6);
}

/* A frame that does not continue what waits goes behind it. */
TEST(order_is_kept)
{
    static const u32 expected[] = {2, 1, 3, 1};
    struct pktbuf *pkt;
    u32 seq;

    start(NETDEV_TX_TSO4);
    seq = send(0, 2, MSS);
    pkt = frame(seq, MSS);
    pkt->csum = PKTBUF_CSUM_VALID;
    netdev_transmit(&dev, pkt);
    seq = send(seq + MSS, 3, MSS);
    netdev_transmit(&dev, last(seq, 100));
    netdev_transmit_flush(&dev);
    check_sent(expected, ARRAY_SIZE(expected));
}

TEST(a_full_ring_holds_a_segment_and_a_frame)
{
    static const u32 expected[] = {3, 1, 2};
    u32 seq;

    start(NETDEV_TX_TSO4);
    is_full = true;
    seq = send(0, 2, MSS);
    netdev_transmit_flush(&dev);
    CHECK(netdev_transmit_is_waiting(&dev) && !netdev_transmit_is_held(&dev));
    seq = send(seq, 1, MSS); /* it may still grow */
    netdev_transmit(&dev, last(seq, 100));
    CHECK(netdev_transmit_is_held(&dev));
    (void)send(0, 2, MSS); /* lost */
    CHECK_EQ(dev.counters.tx_drops, 2);
    netdev_transmit_retry(&dev);
    CHECK_EQ(sent_count, 0);
    is_full = false;
    netdev_transmit_retry(&dev);
    CHECK(sent_count == 2 && !netdev_transmit_is_waiting(&dev));
    (void)send(next_seq, 2, MSS);
    netdev_transmit_flush(&dev);
    check_sent(expected, ARRAY_SIZE(expected));
}
