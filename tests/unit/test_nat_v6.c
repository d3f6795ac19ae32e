/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* IPv6 translated: connections, errors, and what is refused. */
#include "tests/unit/nat_v6_rig.h"

#include "drivers/net/pktbuf_csum.h"

TEST(a_datagram_goes_out_and_its_answer_comes_back_by_ipv6)
{
    struct pktbuf *pkt;
    u16 port;

    start6();
    port = send_out6(udp6());
    CHECK(port >= NAT_PORT_LOW && port < nat_dns_port_first(&rig.nat));
    CHECK(from_outside6((struct packet6){IP_PROTOCOL_UDP, server6, host6, 5000, port, 0, 9}));
    pkt = rig_take(&rig.inside);
    CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
    CHECK_EQ(inet_load16(pktbuf_data(pkt) + 12), ETHERNET_TYPE_IPV6);
    CHECK(inet_same(load(rig_ip(pkt) + 8), server6));
    CHECK(inet_same(load(rig_ip(pkt) + 24), inside(GUEST_ID)));
    CHECK_EQ(inet_load16(rig_ip(pkt) + 42), 4000);
    CHECK_EQ(rig_ip(pkt)[7], 63);
    CHECK(sum_is_right(rig_ip(pkt)));
    pktbuf_free(pkt);
    /* Others may not answer; what is not ours is the host's. */
    CHECK(!from_outside6((struct packet6){IP_PROTOCOL_UDP, server6, host6, 5001, port, 0, 9}));
    CHECK(!from_outside6((struct packet6){IP_PROTOCOL_UDP, router6, host6, 5000, port, 0, 9}));
    CHECK(!from_outside6((struct packet6){IP_PROTOCOL_TCP, server6, host6, 5000, 80, TCP_SYN, 0}));
    CHECK(!from_outside6((struct packet6){IP_PROTOCOL_ICMPV6, server6, host6, 128, 1, 0, 0}));
    CHECK_EQ(rig.inside.count, 0);
    /* Inside sources never come from there. */
    CHECK(from_outside6((struct packet6){IP_PROTOCOL_UDP, inside(7), host6, 5000, port, 0, 9}));
    CHECK_EQ(rig.nat.counters.spoofed, 1);
}

TEST(ipv6_and_ipv4_do_not_mix_in_the_table)
{
    struct packet6 p = udp6();
    u16 port;

    start6();
    port = send_out6(p);
    CHECK(!rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5000, port, 0, 9}));
    /* IPv4's addresses in IPv6's header are refused on both sides. */
    p.dst = inet_v4(SERVER);
    from_guest6(p);
    CHECK_EQ(rig.nat.counters.malformed, 1);
    CHECK(!from_outside6(
        (struct packet6){IP_PROTOCOL_UDP, inet_v4(SERVER), host6, 5000, port, 0, 9}));
    CHECK_EQ(rig.uplink.count + rig.inside.count, 0);
    /* IPv4's connections outlive IPv6's uplink, and the other way round. */
    rig_from_guest((struct rig_packet){IP_PROTOCOL_UDP, GUEST, SERVER, 9, 9, 0, 4});
    CHECK_EQ(nat_connection_count(&rig.nat), 3);
    up6(false);
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
}

TEST(an_echo_and_a_tcp_connection_go_through)
{
    struct packet6 p = {IP_PROTOCOL_ICMPV6, none, server6, 128, 300, 0, 56};
    struct pktbuf *pkt;
    u16 port;

    start6();
    p.src = inside(GUEST_ID);
    port = send_out6(p);
    CHECK(from_outside6((struct packet6){IP_PROTOCOL_ICMPV6, server6, host6, 129, port, 0, 56}));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 44), 300);
    CHECK(sum_is_right(rig_ip(pkt)));
    pktbuf_free(pkt);
    p = (struct packet6){IP_PROTOCOL_TCP, inside(GUEST_ID), server6, 300, 80, TCP_ACK, 0};
    from_guest6(p); /* begins nothing */
    CHECK_EQ(rig.uplink.count, 0);
    p.flags = TCP_SYN;
    port = send_out6(p);
    CHECK(from_outside6(
        (struct packet6){IP_PROTOCOL_TCP, server6, host6, 80, port, TCP_SYN | TCP_ACK, 0}));
    CHECK_EQ(rig.inside.count, 1);
}

TEST(checksums_are_right_for_random_packets_full_and_partial)
{
    static const u8 protocols[] = {IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, IP_PROTOCOL_ICMPV6};

    srand(6);
    start6();
    for (u32 i = 0; i < 3000; i++) {
        struct packet6 p = udp6();
        struct pktbuf *pkt;
        u8 *ip;

        p.protocol = protocols[i % 3];
        p.src_port = p.protocol == IP_PROTOCOL_ICMPV6 ? echo_request : (u16)rand();
        p.dst_port = (u16)rand();
        p.flags = TCP_SYN;
        p.payload = (u32)rand() % 100;
        p.dst.lo = (u64)rand() << 32 | (u32)rand();
        p.dst.hi = 0x2000ull << 48 | (u32)rand();
        pkt = packet6(gateway_mac, guest_mac, p);
        ip = pktbuf_data(pkt) + 14;
        if (i % 2 && p.protocol != IP_PROTOCOL_ICMPV6) {
            u16 offset = p.protocol == IP_PROTOCOL_TCP ? 16 : 6;

            inet_store16(ip + 40 + offset, slow_pseudo6(ip));
            CHECK(pktbuf_csum_set_partial(pkt, 14 + 40, offset));
        }
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        pkt = rig_take(&rig.uplink);
        if (!CHECK(pkt != NULL))
            return;
        pktbuf_csum_complete(pkt);
        CHECK(sum_is_right(rig_ip(pkt)));
        pktbuf_free(pkt);
    }
}

TEST(without_ipv6_outside_there_is_no_route)
{
    struct packet6 p;

    rig_reset();
    p = udp6();
    expect_error6(p, 1, 0, 0);
    CHECK_EQ(rig.nat.counters.no_uplink, 1);
    p.protocol = IP_PROTOCOL_TCP;
    p.flags = TCP_SYN;
    p.payload = 1400; /* quoted up to what every link carries */
    expect_error6(p, 1, 0, 0);
}

TEST(guests_do_not_reach_what_is_not_theirs)
{
    struct packet6 p;

    start6();
    const struct inet_address refused[] = {
        host6,           IP6(0xfe800000, 0, 0, 0x15), router6, inside(0x77), IP6(0, 0, 0, 1),
        IP6(0, 0, 0, 0), IP6(0xfd000ec2, 0, 0, 0x254)};
    for (u32 i = 0; i < ARRAY_SIZE(refused); i++) {
        p = udp6();
        p.dst = refused[i];
        expect_error6(p, 1, 1, 0);
    }
    p = udp6();
    p.dst = inside(1); /* the gateway's port 5000 */
    expect_error6(p, 1, 1, 0);
    p = udp6();
    p.src = guest_link; /* stays on its link */
    expect_error6(p, 1, 1, 0);
    p = udp6();
    p.dst = IP6(0xff0e0000, 0, 0, 9); /* never about what was for many */
    from_guest6(p);
    CHECK_EQ(rig.uplink.count + rig.inside.count, 0);
}

TEST(errors_are_sent_for_hops_and_size_and_are_limited)
{
    struct packet6 p;
    struct pktbuf *pkt;
    struct nat_uplink up = rig_uplink;

    start6();
    pkt = packet6(gateway_mac, guest_mac, udp6());
    pktbuf_data(pkt)[14 + 7] = 1;
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    pkt = rig_take(&rig.inside);
    CHECK(pkt && rig_ip(pkt)[40] == 3 && rig_ip(pkt)[41] == 0);
    pktbuf_free(pkt);

    up.v6 = rig.nat.uplink.v6;
    up.v6.mtu = 1280;
    CHECK_EQ(nat_uplink_set(&rig.nat, &up), 0);
    rig_flush(&rig.inside); /* guests hear of the MTU */
    p = udp6();
    p.payload = 1400;
    expect_error6(p, 2, 0, 1280);
    for (u32 i = 0; i < 2 * NAT_ICMP_BURST; i++) {
        from_guest6(p);
        rig_flush(&rig.inside);
    }
    from_guest6(p);
    CHECK_EQ(rig.inside.count, 0);
}

TEST(errors_about_connections_are_translated)
{
    static const u8 types[] = {1, 2, 3};
    u16 port;

    start6();
    port = send_out6(udp6());
    for (u32 i = 0; i < 2 * ARRAY_SIZE(types); i++) {
        struct pktbuf *pkt =
            packet6(host_mac, router_mac,
                    (struct packet6){IP_PROTOCOL_UDP, host6, server6, port, 5000, 0, 30});
        u8 error[8 + 40 + 38] = {types[i / 2]};

        memcpy(error + 8, rig_ip(pkt), sizeof(error) - 8);
        pktbuf_free(pkt);
        inet_store32(error + 4, 1300);
        if (i % 2)
            error[8 + 40] ^= 1; /* about another port: the host's */
        pkt = raw6(host_mac, router_mac, IP6(0x20010db8, 9, 9, 9), host6, IP_PROTOCOL_ICMPV6, error,
                   sizeof(error));
        CHECK_EQ(rig_from_outside_pkt(pkt), i % 2 == 0);
        pkt = rig_take(&rig.inside);
        if (i % 2) {
            CHECK(pkt == NULL);
            continue;
        }
        CHECK(sum_is_right(rig_ip(pkt)));
        CHECK(sum_is_right(rig_ip(pkt) + 48)); /* the quote, too */
        CHECK_EQ(rig_ip(pkt)[40], types[i / 2]);
        CHECK_EQ(inet_load32(rig_ip(pkt) + 44), 1300);
        CHECK(inet_same(load(rig_ip(pkt) + 24), inside(GUEST_ID)));
        CHECK(inet_same(load(rig_ip(pkt) + 48 + 8), inside(GUEST_ID)));
        CHECK_EQ(inet_load16(rig_ip(pkt) + 48 + 40), 4000);
        pktbuf_free(pkt);
    }
}

TEST(extension_headers_and_fragments_are_dropped)
{
    static const u8 kinds[] = {0, 43, 44, 50, 51, 59, 60, 135, IP_PROTOCOL_ICMP};
    u8 body[32] = {IP_PROTOCOL_UDP};

    start6();
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        nat_from_inside(
            &rig.nat,
            raw6(gateway_mac, guest_mac, inside(GUEST_ID), server6, kinds[i], body, sizeof(body)),
            rig.now_ns);
        CHECK_EQ(rig.nat.counters.unsupported, i + 1);
        CHECK(!rig_from_outside_pkt(
            raw6(host_mac, router_mac, server6, host6, kinds[i], body, sizeof(body))));
    }
    CHECK_EQ(rig.uplink.count + rig.inside.count, 0);
}

TEST(lengths_that_lie_and_absent_checksums_are_malformed)
{
    struct pktbuf *pkt;

    start6();
    for (u32 i = 0; i < 4; i++) {
        pkt = packet6(gateway_mac, guest_mac, udp6());
        if (i == 0)
            inet_store16(pktbuf_data(pkt) + 14 + 4, 39);
        else if (i == 1)
            pkt->len = 14 + 39;
        else if (i == 2)
            inet_store16(pktbuf_data(pkt) + 14 + 4, 7);
        else
            inet_store16(pktbuf_data(pkt) + 14 + 46, 0);
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        CHECK_EQ(rig.nat.counters.malformed, i + 1);
    }
    CHECK_EQ(rig.uplink.count + rig.inside.count, 0);
}
