/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/vswitch.c drivers/net/net_limit.c */
/* Where frames go: own and learned addresses, ageing, isolation, spoofing, storms, tags, limits. */
#include "drivers/net/vswitch.h"

#include <string.h>

#include "core/lib/errno.h"
#include "tests/unit/harness.h"

#define SECOND 1000000000ull

static struct vswitch sw;
static struct vswitch_port a, b, c, uplink;

static void frame_make(u8 *frame, const u8 *to, const u8 *from, u32 type)
{
    memset(frame, 0, 64);
    memcpy(frame, to, 6);
    memcpy(frame + 6, from, 6);
    frame[12] = (u8)(type >> 8);
    frame[13] = (u8)type;
}

static struct vswitch_decision decide(struct vswitch_port *from, const u8 *to, const u8 *source,
                                      u64 now)
{
    u8 frame[64];

    frame_make(frame, to, source, 0x0800);
    return vswitch_decide(&sw, from, frame, sizeof(frame), now);
}

static const u8 everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const u8 stranger[6] = {0x02, 9, 9, 9, 9, 9};
static const u8 outside[6] = {0x02, 8, 8, 8, 8, 8};

static void reset(void)
{
    memset(&sw, 0, sizeof(sw));
    a = (struct vswitch_port){.mac = {2, 0, 0, 0, 0, 1}, .flags = VSWITCH_CHECK_MAC};
    b = (struct vswitch_port){.mac = {2, 0, 0, 0, 0, 2}, .flags = VSWITCH_CHECK_MAC};
    c = (struct vswitch_port){.mac = {2, 0, 0, 0, 0, 3}};
    uplink = (struct vswitch_port){.flags = VSWITCH_UPLINK};
    CHECK_EQ(vswitch_add(&sw, &a, 0), 0);
    CHECK_EQ(vswitch_add(&sw, &b, 0), 0);
    CHECK_EQ(vswitch_add(&sw, &c, 0), 0);
    CHECK_EQ(vswitch_add(&sw, &uplink, 0), 0);
}

TEST(own_addresses_are_known_at_once)
{
    reset();
    CHECK(decide(&a, b.mac, a.mac, 0).to == &b);
    CHECK(decide(&uplink, a.mac, outside, 0).to == &a);
    CHECK_EQ(decide(&a, a.mac, a.mac, 0).verdict, VSWITCH_NOWHERE);
}

TEST(an_address_belongs_to_one_port)
{
    struct vswitch_port twin;

    reset();
    twin = a;
    CHECK_EQ(vswitch_add(&sw, &twin, 0), -EEXIST);
    vswitch_remove(&sw, &a);
    CHECK_EQ(vswitch_add(&sw, &twin, 0), 0);
    CHECK(decide(&b, twin.mac, b.mac, 0).to == &twin);
}

TEST(unknown_unicasts_reach_only_ports_of_any_address)
{
    struct vswitch_decision d;

    reset();
    d = decide(&a, stranger, a.mac, 0);
    CHECK_EQ(d.verdict, VSWITCH_FLOOD);
    CHECK(!d.is_group);
    CHECK(!vswitch_floods_to(&a, &b, d.is_group));
    CHECK(vswitch_floods_to(&a, &c, d.is_group));
    CHECK(vswitch_floods_to(&a, &uplink, d.is_group));
    CHECK(!vswitch_floods_to(&a, &a, true));
    CHECK(vswitch_floods_to(&a, &b, true));
}

TEST(addresses_are_learned_and_forgotten)
{
    reset();
    CHECK_EQ(decide(&uplink, a.mac, stranger, 5).verdict, VSWITCH_TO_PORT);
    CHECK(decide(&a, stranger, a.mac, 6).to == &uplink);
    CHECK(decide(&a, stranger, a.mac, VSWITCH_AGE_NS + 4).to == &uplink);
    CHECK_EQ(decide(&a, stranger, a.mac, VSWITCH_AGE_NS + 5).verdict, VSWITCH_FLOOD);
    CHECK(decide(&c, a.mac, stranger, 7).to == &a); /* it has moved */
    CHECK(decide(&a, stranger, a.mac, 8).to == &c);
    vswitch_remove(&sw, &c);
    CHECK_EQ(decide(&a, stranger, a.mac, 9).verdict, VSWITCH_FLOOD);
}

TEST(an_own_address_cannot_be_taken_over)
{
    reset();
    (void)decide(&uplink, b.mac, a.mac, 1);
    (void)decide(&c, b.mac, a.mac, 1);
    CHECK(decide(&b, a.mac, b.mac, 2).to == &a);
}

TEST(a_flood_of_addresses_fills_the_table_and_no_more)
{
    u8 mac[6] = {2, 7};

    reset();
    for (u32 i = 0; i < 100000; i++) {
        memcpy(mac + 2, &i, sizeof(i));
        CHECK_EQ(decide(&c, a.mac, mac, i).verdict, VSWITCH_TO_PORT);
        CHECK(decide(&a, mac, a.mac, i).to == &c);
    }
    CHECK(decide(&a, b.mac, a.mac, 0).to == &b);
}

TEST(spoofed_addresses_are_dropped)
{
    reset();
    CHECK_EQ(decide(&a, b.mac, stranger, 0).verdict, VSWITCH_SPOOFED);
    CHECK_EQ(decide(&a, b.mac, b.mac, 0).verdict, VSWITCH_SPOOFED);
    CHECK_EQ(decide(&c, b.mac, stranger, 0).verdict, VSWITCH_TO_PORT);
    CHECK_EQ(decide(&b, stranger, b.mac, 0).verdict, VSWITCH_TO_PORT);
}

TEST(isolated_ports_meet_only_others)
{
    reset();
    a.flags |= VSWITCH_ISOLATED;
    b.flags |= VSWITCH_ISOLATED;
    CHECK_EQ(decide(&a, b.mac, a.mac, 0).verdict, VSWITCH_NOWHERE);
    CHECK(!vswitch_floods_to(&a, &b, true));
    CHECK(vswitch_floods_to(&a, &c, true));
    CHECK(decide(&a, c.mac, a.mac, 0).to == &c);
    CHECK(decide(&c, a.mac, c.mac, 0).to == &a);
}

TEST(storms_end)
{
    u32 passed = 0;

    reset();
    for (u32 i = 0; i < 5000; i++)
        passed += decide(&a, everybody, a.mac, 1).verdict == VSWITCH_FLOOD;
    CHECK_EQ(passed, VSWITCH_STORM_PER_S);
    CHECK_EQ(decide(&a, everybody, a.mac, 1).verdict, VSWITCH_STORM);
    CHECK(decide(&a, b.mac, a.mac, 1).to == &b); /* other frames go on */
    CHECK_EQ(decide(&a, everybody, a.mac, SECOND).verdict, VSWITCH_FLOOD);
    for (u32 i = 0; i < 5000; i++)
        CHECK_EQ(decide(&uplink, everybody, outside, 1).verdict, VSWITCH_FLOOD);
}

TEST(floods_of_unknown_unicasts_end)
{
    u32 passed = 0;

    reset();
    for (u32 i = 0; i < 5000; i++)
        passed += decide(&a, stranger, a.mac, 1).verdict == VSWITCH_FLOOD;
    CHECK_EQ(passed, VSWITCH_STORM_PER_S);
    CHECK_EQ(decide(&a, stranger, a.mac, 1).verdict, VSWITCH_STORM);
    CHECK_EQ(decide(&a, everybody, a.mac, 1).verdict, VSWITCH_FLOOD); /* it can still ask */
    CHECK(decide(&a, b.mac, a.mac, 1).to == &b);
    CHECK_EQ(decide(&c, b.mac, stranger, 1).verdict, VSWITCH_TO_PORT); /* now it is known */
    CHECK(decide(&a, stranger, a.mac, 1).to == &c);
    CHECK_EQ(decide(&b, outside, b.mac, 1).verdict, VSWITCH_FLOOD); /* others pay for themselves */
    for (u32 i = 0; i < 5000; i++)
        CHECK_EQ(decide(&uplink, (const u8[]){2, 7, 7, 7, 7, 7}, outside, 1).verdict,
                 VSWITCH_FLOOD);
}

TEST(frames_that_cannot_be)
{
    static const u8 link_local[6] = {0x01, 0x80, 0xc2, 0, 0, 0x0e};
    static const u8 zero[6];
    u8 frame[64];

    reset();
    CHECK_EQ(decide(&c, b.mac, everybody, 0).verdict, VSWITCH_BAD);
    CHECK_EQ(decide(&c, b.mac, zero, 0).verdict, VSWITCH_BAD);
    CHECK_EQ(decide(&c, link_local, c.mac, 0).verdict, VSWITCH_BAD);
    frame_make(frame, b.mac, a.mac, 0x0800);
    for (u32 bytes = 0; bytes < 14; bytes++)
        CHECK_EQ(vswitch_decide(&sw, &a, frame, bytes, 0).verdict, VSWITCH_BAD);
}

TEST(tags_do_not_leave_their_network)
{
    u8 frame[64];

    reset();
    for (u32 i = 0; i < 2; i++) {
        frame_make(frame, b.mac, a.mac, i ? 0x88a8 : 0x8100);
        sw.has_tags = false;
        CHECK_EQ(vswitch_decide(&sw, &a, frame, sizeof(frame), 0).verdict, VSWITCH_BAD);
        sw.has_tags = true;
        CHECK_EQ(vswitch_decide(&sw, &a, frame, sizeof(frame), 0).verdict, VSWITCH_TO_PORT);
    }
}

TEST(limits_hold_over_time)
{
    const struct net_limits limits = {.frames_per_s = 1000, .bytes_per_s = 100000};
    struct net_limiter l;
    u64 bytes = 0;

    net_limiter_init(&l, &limits, 0);
    for (u64 now = 0; now < 10 * SECOND; now += 100000)
        bytes += net_limiter_take(&l, 1000, now) ? 1000 : 0;
    CHECK(bytes > 990000 && bytes <= 1012000);
}

TEST(a_limited_frame_may_go_when_it_is_said)
{
    const struct net_limits limits = {.bytes_per_s = 1000, .burst_bytes = 100};
    struct net_limiter l;
    u64 ready;

    net_limiter_init(&l, &limits, 0);
    CHECK(net_limiter_take(&l, 1100, 0)); /* a debt of 1000 bytes */
    ready = net_limiter_ready_ns(&l, 0);
    CHECK(ready >= SECOND && ready <= SECOND + 2000000);
    CHECK(!net_limiter_take(&l, 1, ready - 2000000));
    CHECK(net_limiter_take(&l, 1, ready));
}

TEST(no_limit_is_none_and_absurd_ones_do_no_harm)
{
    const struct net_limits absurd = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct net_limits none = {0};
    struct net_limiter l;

    net_limiter_init(&l, &none, 0);
    for (u32 i = 0; i < 1000; i++)
        CHECK(net_limiter_take(&l, 65535, 0));
    net_limiter_init(&l, &absurd, 0);
    for (u64 i = 0; i < 1000; i++)
        CHECK(net_limiter_take(&l, 65535, i * SECOND * 3600));
    none.frames_per_s = 1; /* rarer than its depth of nothing */
    net_limiter_init(&l, &none, 0);
    CHECK(net_limiter_take(&l, 1, 0));
    CHECK(!net_limiter_take(&l, 1, SECOND / 2));
    CHECK(net_limiter_take(&l, 1, SECOND));
}
