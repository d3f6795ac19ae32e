/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* Translation: connections both ways, their ends, forwards, fragments. */
#include "tests/unit/nat_v4_rig.h"

#include "core/lib/errno.h"

TEST(a_datagram_goes_out_and_its_answer_comes_back)
{
    struct pktbuf *pkt;
    u16 port;

    rig_start();
    rig_from_guest(udp);
    pkt = rig_take(&rig.uplink);
    CHECK(memcmp(pktbuf_data(pkt), router_mac, 6) == 0);
    CHECK(memcmp(pktbuf_data(pkt) + 6, host_mac, 6) == 0);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), HOST);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), SERVER);
    CHECK_EQ(rig_ip(pkt)[8], 63);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    port = inet_load16(rig_ip(pkt) + 20);
    CHECK(port >= NAT_PORT_LOW && port < nat_dns_port_first(&rig.nat));
    pktbuf_free(pkt);

    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5000, port, 0, 9}));
    pkt = rig_take(&rig.inside);
    CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
    CHECK(memcmp(pktbuf_data(pkt) + 6, gateway_mac, 6) == 0);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), SERVER);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), GUEST);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), 4000);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
}

TEST(only_the_remote_end_may_answer)
{
    u16 port;

    rig_start();
    port = send_out(udp);
    CHECK(!rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5001, port, 0, 9}));
    CHECK(!rig_from_outside(
        (struct rig_packet){IP_PROTOCOL_UDP, SERVER + 1, HOST, 5000, port, 0, 9}));
    CHECK(!rig_from_outside((struct rig_packet){IP_PROTOCOL_TCP, SERVER, HOST, 5000, port, 16, 9}));
    CHECK(!rig_from_outside(
        (struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST + 1, 5000, port, 0, 9}));
    CHECK_EQ(rig.inside.count, 0);
}

TEST(a_guests_port_is_the_same_outside_for_all_remote_ends)
{
    struct rig_packet other = udp;
    u16 port;

    rig_start();
    port = send_out(udp);
    other.dst = SERVER + 5;
    other.dst_port = 1;
    CHECK_EQ(send_out(other), port);
    other = udp;
    other.src_port = 4444;
    CHECK(send_out(other) != port);
}

TEST(two_guests_with_the_same_port_and_server_do_not_mix)
{
    struct rig_packet other = udp;
    struct pktbuf *pkt;
    u16 a, b;

    rig_start();
    a = send_out(udp);
    other.src = GUEST2;
    b = send_out(other);
    CHECK(a != b);
    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5000, b, 0, 9}));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), GUEST2);
    CHECK(memcmp(pktbuf_data(pkt), guest2_mac, 6) == 0);
    pktbuf_free(pkt);
}

TEST(tcp_begins_with_a_syn_only)
{
    struct rig_packet ack = syn;

    rig_start();
    ack.flags = TCP_ACK;
    rig_from_guest(ack);
    ack.flags = TCP_SYN | TCP_ACK;
    rig_from_guest(ack);
    CHECK_EQ(rig.uplink.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->unknown, 2);
    send_out(syn);
    ack.flags = TCP_ACK;
    send_out(ack);
}

static void pass_seconds(u64 seconds)
{
    rig.now_ns += seconds * NS_PER_S;
    for (unsigned i = 0; i < 40; i++)
        nat_tick(&rig.nat, rig.now_ns);
    rig_flush(&rig.uplink);
}

TEST(connections_time_out_by_their_state)
{
    struct rig_packet back = {IP_PROTOCOL_TCP, SERVER, HOST, 80, 0, TCP_SYN | TCP_ACK, 0};
    struct rig_packet fin = syn;

    rig_start();
    back.dst_port = send_out(syn);
    CHECK_EQ(nat_connection_count(&rig.nat), 2);
    CHECK(rig_from_outside(back));
    pass_seconds(61); /* the datagram of rig_start goes, the open connection stays */
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    pass_seconds(7300);
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    fin.flags = TCP_FIN | TCP_ACK;
    rig_from_guest(fin);
    back.flags = TCP_FIN | TCP_ACK;
    CHECK(rig_from_outside(back));
    pass_seconds(200);
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    pass_seconds(41);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
    CHECK(!rig_from_outside(back));
}

TEST(a_datagrams_answer_makes_it_live_longer)
{
    u16 port;

    rig_start();
    port = send_out(udp);
    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5000, port, 0, 9}));
    pass_seconds(290);
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    pass_seconds(11);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
}

TEST(a_reset_connection_may_begin_again_with_the_same_ends)
{
    struct rig_packet back = {IP_PROTOCOL_TCP, SERVER, HOST, 80, 0, TCP_RST | TCP_ACK, 0};

    rig_start();
    back.dst_port = send_out(syn);
    CHECK(rig_from_outside(back));
    CHECK_EQ(send_out(syn), back.dst_port);
    pass_seconds(61);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
}

/* `count` connections, each of its own remote address. */
static void flood(u32 src, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        rig_from_guest((struct rig_packet){IP_PROTOCOL_UDP, src, SERVER + 256 + i, 7, 7, 0, 0});
        rig_flush(&rig.uplink);
    }
}

TEST(a_guest_that_floods_loses_its_own_oldest)
{
    struct rig_packet other = udp;
    u16 port, open;

    rig_start();
    other.src = GUEST2;
    port = send_out(other);
    open = send_out(syn);
    CHECK(rig_from_outside(
        (struct rig_packet){IP_PROTOCOL_TCP, SERVER, HOST, 80, open, TCP_SYN | TCP_ACK, 0}));
    flood(GUEST, NAT_CONNS_PER_HOST + 100);
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_CONNS_PER_HOST + 1);
    CHECK(nat_counters(&rig.nat)->evicted >= 100);
    rig_flush(&rig.inside);
    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_UDP, SERVER, HOST, 5000, port, 0, 9}));
    CHECK(
        rig_from_outside((struct rig_packet){IP_PROTOCOL_TCP, SERVER, HOST, 80, open, TCP_ACK, 0}));
}

static void from_mac(u8 last, struct rig_packet p)
{
    u8 mac[6] = {2, 0, 0, 0, 0, last};

    nat_from_inside(&rig.nat, rig_packet(gateway_mac, mac, p), rig.now_ns);
    rig_flush(&rig.uplink);
}

TEST(when_the_table_is_full_the_greediest_pays)
{
    rig_start();
    for (u32 host = 0; host < NAT_CONNS / NAT_CONNS_PER_HOST; host++)
        for (u32 i = 0; i < NAT_CONNS_PER_HOST; i++)
            from_mac((u8)(100 + host), (struct rig_packet){IP_PROTOCOL_UDP, GATEWAY + 20 + host,
                                                           SERVER + 256 + i, 7, 7, 0, 0});
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_CONNS);
    send_out(syn);
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_CONNS);
    CHECK_EQ(nat_counters(&rig.nat)->table_full, 0);
    for (u32 i = 0; i < NAT_CONNS; i++) /* every entry is in its lists still */
        CHECK(rig.nat.conns[i].link.next != NULL);
    pass_seconds(100);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
}

TEST(open_connections_are_not_given_up_for_new_ones_of_the_same_guest)
{
    rig_start();
    for (u32 i = 0; i < NAT_CONNS_PER_HOST; i++) {
        struct rig_packet p = syn;
        u16 port;

        p.dst = SERVER + i;
        port = send_out(p);
        CHECK(rig_from_outside(
            (struct rig_packet){IP_PROTOCOL_TCP, p.dst, HOST, 80, port, TCP_SYN | TCP_ACK, 0}));
        rig_flush(&rig.inside);
    }
    rig_from_guest(udp);
    CHECK_EQ(rig.uplink.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->table_full, 1);
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_CONNS_PER_HOST);
}

TEST(a_forward_leads_to_the_vm_and_back)
{
    struct rig_packet in = {IP_PROTOCOL_TCP, SERVER, HOST, 40000, 2222, TCP_SYN, 0};
    struct pktbuf *pkt;

    rig_start();
    CHECK_EQ(nat_forwards_set(&rig.nat, forwards, 2), 0);
    CHECK(!rig_from_outside(in)); /* no such VM: the host resets it */
    CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "web"), 0);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), GUEST);
    in.flags = TCP_ACK;
    CHECK(!rig_from_outside(in));
    in.flags = TCP_SYN;
    CHECK(rig_from_outside(in));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), SERVER);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), GUEST);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), 22);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
    CHECK_EQ(send_out((struct rig_packet){IP_PROTOCOL_TCP, GUEST, SERVER, 22, 40000,
                                          TCP_SYN | TCP_ACK, 0}),
             2222);
    CHECK_EQ(nat_forwards_set(&rig.nat, NULL, 0), 0);
    in.flags = TCP_ACK;
    CHECK(!rig_from_outside(in));
}

TEST(forwards_are_checked)
{
    struct nat_forward bad[2] = {forwards[0], forwards[0]};

    rig_start();
    CHECK_EQ(nat_forwards_set(&rig.nat, bad, 2), -EEXIST);
    CHECK_EQ(nat_forwards_set(&rig.nat, bad, NAT_FORWARDS + 1), -E2BIG);
    bad[0].host_port = 0;
    CHECK_EQ(nat_forwards_set(&rig.nat, bad, 1), -EINVAL);
    bad[0].host_port = NAT_PORT_HIGH + 1;
    CHECK_EQ(nat_forwards_set(&rig.nat, bad, 1), -EINVAL);
    bad[0] = forwards[0];
    bad[0].protocol = IP_PROTOCOL_ICMP;
    CHECK_EQ(nat_forwards_set(&rig.nat, bad, 1), -EINVAL);
}

TEST(a_connection_does_not_leave_by_a_forwards_port)
{
    struct nat_forward f = {IP_PROTOCOL_UDP, 0, 1, "web"};
    u16 port;

    rig_start();
    port = send_out(udp);
    f.host_port = port;
    CHECK_EQ(nat_forwards_set(&rig.nat, &f, 1), 0);
    CHECK(send_out(udp) != port);
}

static struct pktbuf *fragment(bool is_outward, u32 src, u32 dst, u16 offset, u16 ports)
{
    struct pktbuf *pkt =
        rig_packet(is_outward ? gateway_mac : host_mac, is_outward ? guest_mac : router_mac,
                   (struct rig_packet){IP_PROTOCOL_UDP, src, dst, 5000, ports, 0, 40});
    u8 *ip = pktbuf_data(pkt) + 14;

    inet_store16(ip + 6, (u16)(offset | (offset == 0 ? 0x2000 : 0)));
    inet_store16(ip + 10, 0);
    inet_store16(ip + 10, (u16)~slow_sum(ip, 20, 0));
    return pkt;
}

TEST(fragments_follow_the_first_one)
{
    struct pktbuf *pkt;
    u16 port;

    rig_start();
    port = send_out(udp);
    CHECK(!rig_from_outside_pkt(fragment(false, SERVER, HOST, 6, port)));
    CHECK(rig_from_outside_pkt(fragment(false, SERVER, HOST, 0, port)));
    CHECK(rig_from_outside_pkt(fragment(false, SERVER, HOST, 6, port)));
    rig_flush(&rig.uplink);
    pktbuf_free(rig_take(&rig.inside));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), GUEST);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), port); /* data, not a port */
    CHECK_EQ(slow_sum(rig_ip(pkt), 20, 0), 0xffff);
    pktbuf_free(pkt);

    nat_from_inside(&rig.nat, fragment(true, GUEST, SERVER + 9, 0, 80), rig.now_ns);
    nat_from_inside(&rig.nat, fragment(true, GUEST, SERVER + 9, 6, 80), rig.now_ns);
    CHECK_EQ(rig.uplink.count, 2);
    rig.now_ns += 31 * NS_PER_S;
    nat_from_inside(&rig.nat, fragment(true, GUEST, SERVER + 9, 6, 80), rig.now_ns);
    CHECK_EQ(rig.uplink.count, 2);
}

TEST(a_guest_that_goes_leaves_nothing)
{
    u16 port;

    rig_start();
    port = send_out(udp);
    CHECK(rig_from_outside_pkt(fragment(false, SERVER, HOST, 0, port)));
    nat_host_remove(&rig.nat, guest_mac);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
    CHECK(!rig_from_outside_pkt(fragment(false, SERVER, HOST, 6, port)));
    nat_host_remove(&rig.nat, guest_mac);
}

TEST(a_new_address_ends_all_connections_and_an_overlap_is_refused)
{
    struct nat_uplink other = rig_uplink;

    rig_start();
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    CHECK_EQ(nat_uplink_set(&rig.nat, &rig_uplink), 0);
    CHECK_EQ(nat_connection_count(&rig.nat), 1);
    other.address++;
    CHECK_EQ(nat_uplink_set(&rig.nat, &other), 0);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
    other.address = GUEST;
    CHECK_EQ(nat_uplink_set(&rig.nat, &other), -EINVAL);
    expect_error(udp, 3, 0, 0);
}

TEST(many_strange_macs_do_not_push_out_a_vm)
{
    rig_start();
    CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "web"), 0);
    for (u32 i = 0; i < 400; i++) {
        u8 mac[6] = {2, 1, 0, 0, (u8)(i >> 8), (u8)i};

        nat_from_inside(&rig.nat, rig_packet(gateway_mac, mac, udp), rig.now_ns);
    }
    CHECK_EQ(rig.uplink.count, 0);
    send_out(udp);
    CHECK_EQ(nat_host_add(&rig.nat, guest2_mac, "db"), 0); /* in a stranger's place */
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), GUEST);
}
