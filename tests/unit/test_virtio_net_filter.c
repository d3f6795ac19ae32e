/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vdev/virtio_net_filter.c core/vdev/virtqueue.c tests/fakes/fake_gmem.c */
/* What a network card's driver wants to receive: every command, every kind of frame, lies. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/vdev/virtio_net_filter.h"
#include "tests/fakes/fake_gmem.h"

#define ALL (NET_F_CTRL_VQ | NET_F_CTRL_RX | NET_F_CTRL_RX_X | NET_F_CTRL_VLAN)
#define AT  0x1000u

static struct gmem gmem;
static struct net_filter filter;
static const u8 own[6] = {2, 0, 0, 0, 0, 1}, other[6] = {2, 0, 0, 0, 0, 2};
static const u8 group[6] = {1, 0, 0x5e, 0, 0, 1}, all[6] = {255, 255, 255, 255, 255, 255};

static void init(void)
{
    fake_gmem_init(0);
    net_filter_reset(&filter);
}

static u8 tell(u64 features, const void *text, u32 bytes)
{
    static struct virtq_chain chain;

    CHECK_EQ(gmem_write(&gmem, gpa(AT), text, bytes), 0);
    chain = (struct virtq_chain){.read_count = 1, .count = 1, .read_bytes = bytes};
    chain.segments[0] = (struct virtq_segment){gpa(AT), bytes};
    return net_filter_command(&filter, features, &gmem, &chain);
}

static u8 mode(u64 features, u8 command, u8 is_on)
{
    const u8 text[] = {0, command, is_on};

    return tell(features, text, sizeof(text));
}

static bool passes(const u8 to[6])
{
    u8 frame[60] = {0};

    memcpy(frame, to, 6);
    return net_filter_passes(&filter, ALL, own, frame, sizeof(frame));
}

TEST(everything_after_a_reset)
{
    init();
    CHECK(passes(own) && passes(other) && passes(group) && passes(all));
}

TEST(modes)
{
    init();
    CHECK_EQ(mode(ALL, 0, 0), NET_CTRL_OK);
    CHECK(passes(own) && !passes(other) && !passes(group) && passes(all));
    CHECK_EQ(mode(ALL, 1, 1), NET_CTRL_OK);
    CHECK(passes(group) && !passes(other));
    CHECK_EQ(mode(ALL, 2, 1), NET_CTRL_OK);
    CHECK(passes(other));
    CHECK_EQ(mode(ALL, 3, 1), NET_CTRL_OK);
    CHECK(!passes(group) && passes(other) && passes(all));
    CHECK_EQ(mode(ALL, 4, 1), NET_CTRL_OK);
    CHECK(!passes(own) && passes(all));
    CHECK_EQ(mode(ALL, 5, 1), NET_CTRL_OK);
    CHECK(!passes(all));
    CHECK_EQ(mode(ALL, 0, 1), NET_CTRL_OK);
    CHECK(passes(own) && passes(other) && passes(group) && passes(all));
    CHECK_EQ(mode(ALL, 6, 1), NET_CTRL_ERR);
    CHECK_EQ(mode(ALL & ~NET_F_CTRL_RX_X, 2, 1), NET_CTRL_ERR);
    CHECK_EQ(mode(ALL & ~NET_F_CTRL_RX, 0, 0), NET_CTRL_ERR);
}

/* A card that may use any address gets unicasts to all of them. */
TEST(any_address)
{
    u8 frame[60] = {2, 0, 0, 0, 0, 9};

    init();
    CHECK_EQ(mode(ALL, 0, 0), NET_CTRL_OK);
    CHECK(net_filter_passes(&filter, ALL, NULL, frame, sizeof(frame)));
    frame[0] = 1;
    CHECK(!net_filter_passes(&filter, ALL, NULL, frame, sizeof(frame)));
}

/* Class, command, and two lists: counts as given, with this many addresses behind each. */
static u8 tables(u32 uni, u32 multi, u32 behind_uni, u32 behind_multi)
{
    static u8 text[2048];
    u32 at = 2;

    memset(text, 0, sizeof(text));
    text[0] = 1;
    memcpy(text + at, &uni, 4);
    at += 4;
    for (u32 i = 0; i < behind_uni; i++, at += 6)
        memcpy(text + at, other, 6);
    memcpy(text + at, &multi, 4);
    at += 4;
    for (u32 i = 0; i < behind_multi; i++, at += 6)
        memcpy(text + at, group, 6);
    return tell(ALL, text, at);
}

TEST(addresses)
{
    static const u8 third[6] = {2, 0, 0, 0, 0, 3}, second_group[6] = {1, 0, 0x5e, 0, 0, 2};

    init();
    CHECK_EQ(mode(ALL, 0, 0), NET_CTRL_OK);
    CHECK_EQ(tables(1, 1, 1, 1), NET_CTRL_OK);
    CHECK(passes(own) && passes(other) && passes(group) && !passes(third) && !passes(second_group));
    CHECK_EQ(tables(0, 0, 0, 0), NET_CTRL_OK);
    CHECK(!passes(other) && !passes(group));
    CHECK_EQ(tables(NET_FILTER_MACS, 100, NET_FILTER_MACS, 100), NET_CTRL_OK);
    CHECK(!passes(third) && passes(second_group)); /* more groups than there is room for: all */
    CHECK_EQ(tables(0, 1, 0, 1), NET_CTRL_OK);
    CHECK_EQ(tables(2, 0, 1, 0), NET_CTRL_ERR); /* lists that end early change nothing */
    CHECK_EQ(tables(0, 2, 0, 1), NET_CTRL_ERR);
    CHECK_EQ(tables(~0u, 0, 70, 0), NET_CTRL_ERR);
    CHECK_EQ(tables(0, ~0u, 0, 70), NET_CTRL_ERR);
    CHECK(passes(group) && !passes(second_group) && !passes(other));
}

static u8 vlan(u64 features, u8 command, u16 id)
{
    u8 text[4] = {2, command, (u8)id, (u8)(id >> 8)};

    return tell(features, text, sizeof(text));
}

static bool passes_tagged(u64 features, u16 id)
{
    u8 frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0xe0 | (u8)(id >> 8), (u8)id};

    return net_filter_passes(&filter, features, own, frame, sizeof(frame));
}

TEST(vlans)
{
    init();
    CHECK(!passes_tagged(ALL, 7));
    CHECK(passes_tagged(ALL, 0));
    CHECK(passes_tagged(0, 7));
    CHECK_EQ(vlan(ALL, 0, 7), NET_CTRL_OK);
    CHECK_EQ(vlan(ALL, 0, 4095), NET_CTRL_OK);
    CHECK(passes_tagged(ALL, 7) && passes_tagged(ALL, 4095) && !passes_tagged(ALL, 8));
    CHECK_EQ(vlan(ALL, 1, 7), NET_CTRL_OK);
    CHECK(!passes_tagged(ALL, 7) && passes_tagged(ALL, 4095));
    CHECK_EQ(vlan(ALL, 0, 4096), NET_CTRL_ERR);
    CHECK_EQ(vlan(ALL, 0, 0xffff), NET_CTRL_ERR);
    CHECK_EQ(vlan(ALL, 2, 7), NET_CTRL_ERR);
    CHECK_EQ(vlan(ALL & ~NET_F_CTRL_VLAN, 0, 7), NET_CTRL_ERR);
    CHECK(net_filter_passes(&filter, ALL, own,
                            (const u8[15]){2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x81},
                            15)); /* a tag that is not whole is none */
}

TEST(no_commands)
{
    u8 text[8] = {0};

    init();
    for (u32 bytes = 0; bytes < 3; bytes++)
        CHECK_EQ(tell(ALL, text, bytes), NET_CTRL_ERR);
    for (u32 kind = 3; kind < 256; kind++) {
        text[0] = (u8)kind;
        CHECK_EQ(tell(ALL, text, sizeof(text)), NET_CTRL_ERR);
    }
    text[0] = 1;
    text[1] = 1; /* another address: not offered */
    CHECK_EQ(tell(ALL, text, sizeof(text)), NET_CTRL_ERR);
    CHECK(passes(other));
}
