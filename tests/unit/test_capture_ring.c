/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/capture_ring.c */
/* Frames come out as they went in, around the end; what does not fit is counted. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/net/capture_ring.h"

#define SIZE 1024u

static u8 data[SIZE], bytes[SIZE], got[SIZE];
static struct capture_ring ring;

static void put(u32 captured, u8 first)
{
    struct capture_frame frame = {.time_ns = first,
                                  .bytes = captured + 7,
                                  .captured = captured,
                                  .direction = CAPTURE_INBOUND};

    for (u32 i = 0; i < captured; i++)
        bytes[i] = (u8)(first + i);
    capture_ring_put(&ring, &frame, bytes);
}

static void take(u32 captured, u8 first)
{
    struct capture_frame frame;

    CHECK(capture_ring_peek(&ring, &frame));
    CHECK_EQ(frame.captured, captured);
    CHECK_EQ(frame.bytes, captured + 7);
    CHECK_EQ(frame.time_ns, first);
    CHECK_EQ(frame.direction, CAPTURE_INBOUND);
    capture_ring_take(&ring, &frame, got);
    for (u32 i = 0; i < captured; i++)
        CHECK_EQ(got[i], (u8)(first + i));
}

TEST(around_the_end)
{
    struct capture_frame frame;

    capture_ring_init(&ring, data, SIZE);
    CHECK(!capture_ring_peek(&ring, &frame));
    for (u32 i = 0; i < 500; i++) {
        put(i % 300, (u8)i);
        put(14, (u8)(i + 1));
        take(i % 300, (u8)i);
        take(14, (u8)(i + 1));
        CHECK_EQ(capture_ring_used(&ring), 0);
    }
    CHECK_EQ(ring.lost, 0);
    CHECK_EQ(ring.taken, 1000);
}

TEST(what_does_not_fit_is_lost)
{
    u32 each = (u32)sizeof(struct capture_frame) + 100;

    capture_ring_init(&ring, data, SIZE);
    for (u32 i = 0; i < 20; i++)
        put(100, (u8)i);
    CHECK_EQ(ring.taken, SIZE / each);
    CHECK_EQ(ring.lost, 20 - SIZE / each);
    take(100, 0);
    put(100, 77);
    CHECK_EQ(ring.lost, 20 - SIZE / each);
    for (u32 i = 1; i < SIZE / each; i++)
        take(100, (u8)i);
    take(100, 77);
}

TEST(counters_may_wrap)
{
    capture_ring_init(&ring, data, SIZE);
    ring.head = ring.tail = 0u - 60;
    put(200, 5);
    put(200, 6);
    CHECK_EQ(capture_ring_used(&ring), 2 * (200 + sizeof(struct capture_frame)));
    take(200, 5);
    take(200, 6);
}

TEST(exactly_full)
{
    capture_ring_init(&ring, data, SIZE);
    put(SIZE - (u32)sizeof(struct capture_frame), 9);
    CHECK_EQ(ring.lost, 0);
    put(0, 1);
    CHECK_EQ(ring.lost, 1);
    take(SIZE - (u32)sizeof(struct capture_frame), 9);
}
