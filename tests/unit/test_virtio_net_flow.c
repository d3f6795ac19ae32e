/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vdev/virtio_net_flow.c */
/* Flows and the pairs of queues they go to. */
#include "core/vdev/virtio_net_flow.h"

#include "tests/unit/harness.h"

#include <string.h>

#define BYTES 100u

static u8 frame[BYTES];

static void put(u32 at, const void *src, u32 bytes)
{
    memcpy(frame + at, src, bytes);
}

static void ipv4(u8 a, u8 b, u8 port_a, u8 port_b)
{
    static const u8 type[2] = {8, 0};
    const u8 addresses[8] = {10, 0, 0, a, 10, 0, 0, b};
    const u8 ports[4] = {0x30, port_a, 0x30, port_b};

    memset(frame, 0, sizeof(frame));
    put(12, type, 2);
    frame[14] = 0x45;
    frame[23] = 6;
    put(26, addresses, 8);
    put(34, ports, 4);
}

static u32 hash(void)
{
    return net_flow_hash(frame, BYTES);
}

TEST(both_directions_are_one_flow)
{
    u32 there;

    for (u32 i = 0; i < 100; i++) {
        ipv4(1, (u8)i, 80, (u8)(i * 7));
        there = hash();
        CHECK(there < NET_FLOWS);
        ipv4((u8)i, 1, (u8)(i * 7), 80);
        CHECK_EQ(hash(), there);
    }
}

TEST(flows_spread)
{
    u32 seen[8] = {0};

    for (u32 i = 0; i < 200; i++) {
        ipv4(1, 2, 80, (u8)i);
        seen[hash() % 8]++;
    }
    for (u32 i = 0; i < 8; i++)
        CHECK(seen[i] > 5);
}

TEST(fragments_of_a_packet_stay_together)
{
    u32 first;

    ipv4(1, 2, 80, 81);
    frame[20] = 0x20;
    first = hash();
    ipv4(1, 2, 99, 12);
    frame[21] = 7;
    CHECK_EQ(hash(), first);
}

TEST(short_frames_and_strange_lengths)
{
    for (u32 ihl = 0; ihl < 16; ihl++) {
        ipv4(1, 2, 80, 81);
        frame[14] = (u8)(0x40 | ihl);
        for (u32 bytes = 14; bytes <= BYTES; bytes++)
            CHECK(net_flow_hash(frame, bytes) < NET_FLOWS);
    }
    memset(frame, 0, sizeof(frame));
    CHECK_EQ(hash(), 0);
    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[20] = 17;
    for (u32 bytes = 14; bytes <= BYTES; bytes++)
        CHECK(net_flow_hash(frame, bytes) < NET_FLOWS);
}

TEST(answers_come_where_the_flow_is_sent_from)
{
    struct net_steer steer;

    net_steer_reset(&steer, 4);
    for (u32 i = 0; i < 50; i++) {
        ipv4(1, 2, 80, (u8)i);
        CHECK(net_steer_find(&steer, frame, BYTES) < 4);
    }
    ipv4(1, 2, 80, 81);
    net_steer_note(&steer, frame, BYTES, 3);
    ipv4(2, 1, 81, 80);
    CHECK_EQ(net_steer_find(&steer, frame, BYTES), 3);
    net_steer_reset(&steer, 1);
    CHECK_EQ(net_steer_find(&steer, frame, BYTES), 0);
}
