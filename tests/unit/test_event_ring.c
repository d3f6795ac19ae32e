/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/event_ring.c core/lib/str.c */
/* Events come in order, once; who comes too late, or from another boot, is told. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mgmt/api/event_ring.h"

#define FIRST 1000u

static struct event_ring ring;
static struct event out;
static bool is_gap;

static void begin(u32 count)
{
    event_ring_begin(&ring, FIRST);
    for (u32 i = 0; i < count; i++) {
        struct event event = {.type = EVENT_VM, .what = "state", .uptime_ns = i};

        snprintf(event.name, sizeof event.name, "vm%u", i);
        event_ring_add(&ring, &event);
    }
}

TEST(events_are_read_in_order_and_once)
{
    u64 seq = FIRST;

    begin(0);
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), -ENODATA);
    CHECK(!is_gap);
    begin(3);
    for (u32 i = 0; i < 3; i++) {
        CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
        CHECK(!is_gap);
        CHECK_EQ(out.seq, FIRST + i);
        CHECK_EQ(out.uptime_ns, i);
    }
    CHECK_STR(out.name, "vm2");
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), -ENODATA);
    CHECK(!is_gap);
    CHECK_EQ(seq, FIRST + 3);
}

TEST(the_ring_keeps_the_newest)
{
    u64 seq = FIRST;

    begin(EVENTS_KEPT);
    CHECK_EQ(event_ring_oldest(&ring), FIRST);
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
    CHECK(!is_gap);
    begin(EVENTS_KEPT + 7);
    CHECK_EQ(event_ring_oldest(&ring), FIRST + 7);
    seq = FIRST + 6;
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
    CHECK(is_gap);
    CHECK_EQ(out.seq, FIRST + 7);
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
    CHECK(!is_gap);
    CHECK_EQ(out.seq, FIRST + 8);
}

TEST(numbers_of_another_boot_are_a_gap)
{
    u64 seq = FIRST + 4;

    begin(3);
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
    CHECK(is_gap);
    CHECK_EQ(out.seq, FIRST);
    seq = 5;
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), 0);
    CHECK(is_gap);
    begin(0);
    seq = 5;
    CHECK_EQ(event_ring_read(&ring, &seq, &out, &is_gap), -ENODATA);
    CHECK(is_gap);
    CHECK_EQ(seq, FIRST);
}

TEST(lists_of_types_are_read_strictly)
{
    CHECK_EQ(event_types_parse("vm"), 1u << EVENT_VM);
    CHECK_EQ(event_types_parse("host,vm"), 1u << EVENT_VM | 1u << EVENT_HOST);
    CHECK_EQ(event_types_parse("vm,image,volume,network,host,task"), (1u << EVENT_TYPES) - 1);
    CHECK_EQ(event_types_parse(""), 0);
    CHECK_EQ(event_types_parse("vm,"), 0);
    CHECK_EQ(event_types_parse("vms"), 0);
    CHECK_EQ(event_types_parse("v"), 0);
    CHECK_EQ(event_types_parse("vm, host"), 0);
    for (u32 type = 0; type < EVENT_TYPES; type++)
        CHECK_EQ(event_types_parse(event_type_name((enum event_type)type)), 1u << type);
}
