/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* What the NAT does not let through, and configurations that are none. */
#include "tests/unit/nat_v4_rig.h"

#include "core/lib/errno.h"

TEST(what_a_guest_may_not_reach_is_refused)
{
    static const u32 refused[] = {HOST,        0x7f000001u, 0xa9fea9feu, 0xe0000001u,
                                  0xffffffffu, 0x0a0002ffu, 0x0a000200u, GUEST2};
    struct rig_packet p = syn;

    rig_start();
    for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
        p.dst = refused[i];
        expect_error(p, 3, 13, 0);
    }
    p.dst = GATEWAY;
    p.dst_port = 443;
    expect_error(p, 3, 13, 0);
    CHECK_EQ(nat_counters(&rig.nat)->refused, ARRAY_SIZE(refused) + 1);
}

TEST(forged_sources_are_dropped)
{
    struct rig_packet p = udp;

    rig_start();
    send_out(udp);
    p.src = SERVER + 1;
    rig_from_guest(p);
    p.src = GATEWAY;
    rig_from_guest(p);
    p.src = 0;
    rig_from_guest(p);
    p.src = GATEWAY | 0xff;
    rig_from_guest(p);
    nat_from_inside(&rig.nat, rig_packet(gateway_mac, guest2_mac, udp), rig.now_ns);
    CHECK_EQ(rig.uplink.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->spoofed, 5);
    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, GUEST2, HOST, 1, 2, 0, 0}));
    CHECK_EQ(rig.inside.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->spoofed, 6);
}

TEST(malformed_packets_are_dropped)
{
    static const struct {
        u8 at, value;
    } lies[] = {{0, 0x46}, {0, 0x65}, {0, 0x44}, {2, 0xff}, {3, 0x13}, {3, 30 - 3}, {10, 0xaa}};

    rig_start();
    for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
        struct pktbuf *pkt = rig_packet(gateway_mac, guest_mac, syn);
        u8 *ip = pktbuf_data(pkt) + 14;

        ip[lies[i].at] = lies[i].value;
        if (lies[i].at != 10) {
            inet_store16(ip + 10, 0);
            inet_store16(ip + 10, (u16)~slow_sum(ip, 20, 0));
        }
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        CHECK_EQ(nat_counters(&rig.nat)->malformed, i + 1);
    }
    for (u32 len = 0; len < 34; len++) {
        struct pktbuf *pkt = rig_packet(gateway_mac, guest_mac, syn);

        pkt->len = (u16)len;
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
    }
    CHECK_EQ(rig.uplink.count + rig.inside.count, 0);
}

TEST(configurations_are_checked)
{
    struct nat_config cfg = rig_config;

    rig_reset();
    cfg.prefix_bits = 31;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), -EINVAL);
    cfg = rig_config;
    cfg.range_last = cfg.gateway | 0xff;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), -EINVAL);
    cfg = rig_config;
    cfg.range_last = cfg.range_first - 1;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), -EINVAL);
    cfg = rig_config;
    cfg.port_count++;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), -EINVAL);
    cfg = rig_config;
    cfg.mtu = 500;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), -EINVAL);
}
