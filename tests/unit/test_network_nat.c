/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/net/network_nat.c */
/* What a network of kind nat may have inside, beside other networks and the host's own address. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "drivers/net/inet.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/net_internal.h"

#define IP(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* Two networks of kind nat; a NAT is only looked at for being there. */
static struct network first, second;
static char a_nat;

struct network *network_first(void)
{
    return &first;
}

/* The host's own address is 10.0.2.15/24. */
bool nat_network_is_outside(u32 subnet, u32 netmask)
{
    return ((IP(10, 0, 2, 15) ^ subnet) & 0xffffff00u & netmask) == 0;
}

static void init(void)
{
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    first.next = &second;
    first.nat = second.nat = (struct nat_network *)(void *)&a_nat;
    first.cfg.nat = (struct network_nat){.subnet = IP(192, 168, 77, 0),
                                         .prefix_bits = 24,
                                         .range_first = IP(192, 168, 77, 5),
                                         .range_last = IP(192, 168, 77, 9)};
    second.cfg.nat = (struct network_nat){.subnet = IP(172, 16, 0, 0), .prefix_bits = 12};
}

static struct network_config cfg;

static int settle(u32 subnet, u8 bits, const struct network *old)
{
    cfg = (struct network_config){.kind = NETWORK_NAT,
                                  .nat = {.subnet = subnet, .prefix_bits = bits}};
    return network_nat_settle(&cfg, old);
}

TEST(what_is_left_open)
{
    init();
    CHECK_EQ(settle(0, 0, NULL), 0);
    CHECK_EQ(cfg.nat.subnet, IP(192, 168, 78, 0));
    CHECK_EQ(cfg.nat.prefix_bits, 24);
    CHECK_EQ(cfg.nat.range_first, IP(192, 168, 78, 2));
    CHECK_EQ(cfg.nat.range_last, IP(192, 168, 78, 254));
    CHECK_EQ(settle(0, 0, &first), 0);
    CHECK_EQ(cfg.nat.subnet, IP(192, 168, 77, 0));
    CHECK_EQ(cfg.nat.range_first, IP(192, 168, 77, 5));
    CHECK_EQ(cfg.nat.range_last, IP(192, 168, 77, 9));
    second.cfg.nat = (struct network_nat){.subnet = IP(192, 0, 0, 0), .prefix_bits = 8};
    CHECK_EQ(settle(0, 0, NULL), -ERANGE);
}

TEST(subnets)
{
    init();
    CHECK_EQ(settle(IP(10, 9, 8, 0), 29, NULL), 0);
    CHECK_EQ(cfg.nat.range_last, IP(10, 9, 8, 6));
    CHECK_EQ(settle(IP(11, 0, 0, 0), 8, NULL), 0);
    CHECK_EQ(settle(IP(10, 9, 8, 1), 24, NULL), -EINVAL);
    CHECK_EQ(settle(IP(10, 9, 8, 0), 30, NULL), -EINVAL);
    CHECK_EQ(settle(IP(10, 0, 0, 0), 7, NULL), -EINVAL);
    CHECK_EQ(settle(IP(0, 1, 0, 0), 16, NULL), -EINVAL);
    CHECK_EQ(settle(IP(127, 0, 1, 0), 24, NULL), -EINVAL);
    CHECK_EQ(settle(IP(169, 254, 1, 0), 24, NULL), -EINVAL);
    CHECK_EQ(settle(IP(169, 0, 0, 0), 8, NULL), -EINVAL);
    CHECK_EQ(settle(IP(169, 253, 0, 0), 16, NULL), 0);
    CHECK_EQ(settle(IP(224, 0, 0, 0), 24, NULL), -EINVAL);
    CHECK_EQ(settle(IP(192, 168, 77, 128), 25, NULL), -ERANGE);
    CHECK_EQ(settle(IP(192, 168, 77, 128), 25, &first), 0);
    CHECK_EQ(settle(IP(172, 20, 0, 0), 16, NULL), -ERANGE);
    CHECK_EQ(settle(IP(10, 0, 0, 0), 8, NULL), -ERANGE);
    first.cfg.nat =
        (struct network_nat){IP(10, 0, 2, 0), 24, IP(10, 0, 2, 2), IP(10, 0, 2, 9), 0, {{0}}};
    CHECK_EQ(settle(IP(10, 0, 2, 0), 24, &first), 0); /* the uplink came later */
}

static int settle_range(u32 from, u32 to)
{
    cfg = (struct network_config){.kind = NETWORK_NAT,
                                  .nat = {IP(10, 9, 8, 0), 24, from, to, 0, {{0}}}};
    return network_nat_settle(&cfg, NULL);
}

TEST(ranges)
{
    init();
    CHECK_EQ(settle_range(IP(10, 9, 8, 2), IP(10, 9, 8, 254)), 0);
    CHECK_EQ(settle_range(IP(10, 9, 8, 7), IP(10, 9, 8, 7)), 0);
    CHECK_EQ(settle_range(IP(10, 9, 8, 1), IP(10, 9, 8, 7)), -EINVAL);
    CHECK_EQ(settle_range(IP(10, 9, 8, 7), IP(10, 9, 8, 6)), -EINVAL);
    CHECK_EQ(settle_range(IP(10, 9, 8, 7), IP(10, 9, 8, 255)), -EINVAL);
    CHECK_EQ(settle_range(IP(10, 9, 7, 7), IP(10, 9, 8, 9)), -EINVAL);
}

TEST(forwards)
{
    init();
    first.cfg.nat.forwards[0] = (struct nat_forward){IP_PROTOCOL_TCP, 8080, 80, "web"};
    first.cfg.nat.forward_count = 1;
    CHECK_EQ(settle(0, 0, NULL), 0);
    cfg.nat.forwards[0] = (struct nat_forward){IP_PROTOCOL_UDP, 8080, 80, "b"};
    cfg.nat.forward_count = 1;
    CHECK_EQ(network_nat_settle(&cfg, NULL), 0);
    cfg.nat.forwards[0].protocol = IP_PROTOCOL_TCP;
    CHECK_EQ(network_nat_settle(&cfg, NULL), -EEXIST);
    cfg.nat.forward_count = NAT_FORWARDS + 1;
    CHECK_EQ(network_nat_settle(&cfg, NULL), -EINVAL);
    CHECK_EQ(settle(0, 0, &first), 0);
    cfg.nat.forwards[0] = first.cfg.nat.forwards[0];
    cfg.nat.forward_count = 1;
    CHECK_EQ(network_nat_settle(&cfg, &first), 0);
}
