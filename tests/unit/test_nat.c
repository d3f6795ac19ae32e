/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* Translation: connections both ways, forwards, fragments, ICMP, and what is refused. */
#include "tests/unit/nat_rig.h"

#include "core/lib/errno.h"
#include "drivers/net/pktbuf_csum.h"

static const struct rig_packet udp = {IP_PROTOCOL_UDP, GUEST, SERVER, 4000, 5000, 0, 30};
static const struct rig_packet syn = {IP_PROTOCOL_TCP, GUEST, SERVER, 4001, 80, TCP_SYN, 0};

/* Sends it and takes what leaves: its outside port. The frame is freed. */
static u16 send_out(struct rig_packet p)
{
    struct pktbuf *pkt;
    u16 port;

    rig_from_guest(p);
    pkt = rig_take(&rig.uplink);
    if (!CHECK(pkt != NULL))
        return 0;
    CHECK_EQ(inet_load16(pktbuf_data(pkt) + 12), ETHERNET_TYPE_IPV4);
    port = inet_load16(rig_ip(pkt) + 20 + (p.protocol == IP_PROTOCOL_ICMP ? 4 : 0));
    pktbuf_free(pkt);
    return port;
}

/* Sends it and expects an ICMP error inside. */
static void expect_error(struct rig_packet p, u8 type, u8 code, u16 info)
{
    struct pktbuf *pkt;

    rig_from_guest(p);
    CHECK_EQ(rig.uplink.count, 0);
    pkt = rig_take(&rig.inside);
    if (!CHECK(pkt != NULL))
        return;
    CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), GATEWAY);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), p.src);
    CHECK_EQ(rig_ip(pkt)[20], type);
    CHECK_EQ(rig_ip(pkt)[21], code);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 26), info);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 28 + 16), p.dst);
    pktbuf_free(pkt);
}

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

/* Any header, any length, full and partial checksums: as good as computed anew. */
TEST(checksums_are_right_for_random_packets)
{
    static const u8 protocols[] = {IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, IP_PROTOCOL_ICMP};

    srand(1);
    rig_start();
    for (unsigned i = 0; i < 3000; i++) {
        struct rig_packet p = {protocols[i % 3],
                               GUEST,
                               SERVER ^ (u32)(rand() & 0xffff),
                               (u16)(rand() | 1),
                               (u16)(rand() | 1),
                               TCP_SYN,
                               (u32)rand() % 1400};
        bool is_partial = p.protocol != IP_PROTOCOL_ICMP && rand() % 2;
        struct pktbuf *pkt;
        u8 *ip;

        if (p.protocol == IP_PROTOCOL_ICMP)
            p.src_port = 8;
        pkt = rig_packet(gateway_mac, guest_mac, p);
        ip = pktbuf_data(pkt) + 14;
        if (is_partial) {
            u16 at = p.protocol == IP_PROTOCOL_TCP ? 16 : 6;

            inet_store16(ip + 20 + at, slow_pseudo(ip));
            CHECK(pktbuf_csum_set_partial(pkt, 34, at));
        }
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        pkt = rig_take(&rig.uplink);
        if (!CHECK(pkt != NULL))
            continue;
        CHECK_EQ(pkt->csum, is_partial ? PKTBUF_CSUM_PARTIAL : PKTBUF_CSUM_UNKNOWN);
        pktbuf_csum_complete(pkt);
        if (!CHECK(rig_sums_are_right(rig_ip(pkt))))
            return;
        pktbuf_free(pkt);
    }
}

TEST(a_wrong_checksum_stays_wrong)
{
    struct pktbuf *pkt;

    rig_start();
    pkt = rig_packet(gateway_mac, guest_mac, udp);
    pktbuf_data(pkt)[60] ^= 0x40;
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    pkt = rig_take(&rig.uplink);
    CHECK(!rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
}

TEST(a_datagram_without_checksum_stays_without)
{
    struct pktbuf *pkt;

    rig_start();
    pkt = rig_packet(gateway_mac, guest_mac, udp);
    inet_store16(pktbuf_data(pkt) + 40, 0);
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    pkt = rig_take(&rig.uplink);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 26), 0);
    pktbuf_free(pkt);
}

/* A driver may name any place for a deferred checksum. */
TEST(a_partial_checksum_at_a_strange_place_is_completed_first)
{
    struct pktbuf *pkt;

    rig_start();
    pkt = rig_packet(gateway_mac, guest_mac, udp);
    CHECK(pktbuf_csum_set_partial(pkt, 50, 4));
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    pkt = rig_take(&rig.uplink);
    CHECK_EQ(pkt->csum, PKTBUF_CSUM_UNKNOWN);
    pktbuf_free(pkt);
    pkt = rig_packet(gateway_mac, guest_mac, (struct rig_packet){17, GUEST, SERVER, 1, 2, 0, 0});
    pkt->len = 60; /* padded, and the checksum in the padding */
    CHECK(pktbuf_csum_set_partial(pkt, 56, 2));
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    CHECK_EQ(rig.uplink.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->malformed, 1);
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

static const struct nat_forward forwards[] = {
    {IP_PROTOCOL_TCP, 2222, 22, "web"},
    {IP_PROTOCOL_UDP, NAT_PORT_LOW + 7, 53, "web"},
};

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

TEST(an_echo_goes_through_and_one_for_the_gateway_is_answered)
{
    struct rig_packet ping = {IP_PROTOCOL_ICMP, GUEST, SERVER, 8, 77, 0, 56};
    struct pktbuf *pkt;
    u16 id;

    rig_start();
    id = send_out(ping);
    CHECK(rig_from_outside((struct rig_packet){IP_PROTOCOL_ICMP, SERVER, HOST, 0, id, 0, 56}));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 24), 77);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
    CHECK(!rig_from_outside((struct rig_packet){IP_PROTOCOL_ICMP, SERVER, HOST, 8, id, 0, 56}));
    ping.dst = GATEWAY;
    rig_from_guest(ping);
    pkt = rig_take(&rig.inside);
    CHECK_EQ(rig_ip(pkt)[20], 0);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), GATEWAY);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
}

/* An ICMP error about `about`, as a frame; the quote's checksum is kept right to be compared. */
static struct pktbuf *error_about(const u8 dst_mac[6], const u8 src_mac[6], u32 src, u32 dst,
                                  struct rig_packet about)
{
    struct pktbuf *inner = rig_packet(dst_mac, src_mac, about);
    u32 quoted = inet_load16(rig_ip(inner) + 2);
    struct pktbuf *pkt = rig_packet(
        dst_mac, src_mac, (struct rig_packet){IP_PROTOCOL_ICMP, src, dst, 3, 0, 0, quoted});
    u8 *ip = pktbuf_data(pkt) + 14;

    ip[21] = 4;
    inet_store16(ip + 26, 1400);
    memcpy(ip + 28, rig_ip(inner), quoted);
    rig_sum(ip);
    pktbuf_free(inner);
    return pkt;
}

static void check_error(struct pktbuf *pkt, u32 src, u32 dst, struct rig_packet about)
{
    if (!CHECK(pkt != NULL))
        return;
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    CHECK(rig_sums_are_right(rig_ip(pkt) + 28));
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), src);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), dst);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 26), 1400);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 28 + 12), about.src);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 28 + 16), about.dst);
    if (about.protocol == IP_PROTOCOL_ICMP) {
        CHECK_EQ(inet_load16(rig_ip(pkt) + 48 + 4), about.dst_port);
    } else {
        CHECK_EQ(inet_load16(rig_ip(pkt) + 48), about.src_port);
        CHECK_EQ(inet_load16(rig_ip(pkt) + 50), about.dst_port);
    }
    pktbuf_free(pkt);
}

TEST(errors_come_in_with_their_quote_translated)
{
    static const struct rig_packet sent[] = {
        {IP_PROTOCOL_UDP, GUEST, SERVER, 4000, 5000, 0, 30},
        {IP_PROTOCOL_TCP, GUEST, SERVER, 4001, 80, TCP_SYN, 0},
        {IP_PROTOCOL_ICMP, GUEST, SERVER, 8, 99, 0, 20},
    };

    rig_start();
    for (u32 i = 0; i < 3; i++) {
        struct rig_packet seen = sent[i];
        u16 port = send_out(sent[i]);

        seen.src = HOST;
        if (seen.protocol == IP_PROTOCOL_ICMP)
            seen.dst_port = port;
        else
            seen.src_port = port;
        CHECK(rig_from_outside_pkt(error_about(host_mac, router_mac, ROUTER, HOST, seen)));
        check_error(rig_take(&rig.inside), ROUTER, GUEST, sent[i]);
        seen.dst++; /* about nothing that was sent */
        CHECK(!rig_from_outside_pkt(error_about(host_mac, router_mac, ROUTER, HOST, seen)));
    }
}

TEST(a_guests_error_about_a_forwarded_packet_goes_out_translated)
{
    struct rig_packet in = {IP_PROTOCOL_UDP, SERVER, HOST, 40000, NAT_PORT_LOW + 7, 0, 12};
    struct rig_packet seen = in;

    rig_start();
    CHECK_EQ(nat_forwards_set(&rig.nat, forwards, 2), 0);
    CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "web"), 0);
    CHECK(rig_from_outside(in));
    rig_flush(&rig.inside);
    seen.dst = GUEST;
    seen.dst_port = 53;
    nat_from_inside(&rig.nat, error_about(gateway_mac, guest_mac, GUEST, SERVER, seen), rig.now_ns);
    check_error(rig_take(&rig.uplink), HOST, SERVER, in);
    seen.dst = GUEST2; /* about somebody else's */
    nat_from_inside(&rig.nat, error_about(gateway_mac, guest_mac, GUEST, SERVER, seen), rig.now_ns);
    CHECK_EQ(rig.uplink.count, 0);
}

TEST(errors_with_bad_quotes_go_to_the_host)
{
    rig_start();
    for (u32 bytes = 0; bytes < 28; bytes++) {
        struct pktbuf *pkt =
            rig_packet(host_mac, router_mac,
                       (struct rig_packet){IP_PROTOCOL_ICMP, SERVER, HOST, 3, 0, 0, bytes});

        CHECK(!rig_from_outside_pkt(pkt));
    }
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

TEST(errors_are_sent_for_ttl_mtu_and_no_uplink)
{
    struct pktbuf *pkt;

    rig_start();
    pkt = rig_packet(gateway_mac, guest_mac, udp);
    pktbuf_data(pkt)[14 + 8] = 1;
    inet_store16(pktbuf_data(pkt) + 24, 0);
    inet_store16(pktbuf_data(pkt) + 24, (u16)~slow_sum(rig_ip(pkt), 20, 0));
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    pkt = rig_take(&rig.inside);
    CHECK_EQ(rig_ip(pkt)[20], 11);
    pktbuf_free(pkt);

    rig.nat.uplink.mtu = 1000;
    expect_error((struct rig_packet){IP_PROTOCOL_UDP, GUEST, SERVER, 1, 2, 0, 1000}, 3, 4, 1000);
    rig.nat.uplink.mtu = 1500; /* from a network with 9000 */
    expect_error((struct rig_packet){IP_PROTOCOL_UDP, GUEST, SERVER, 1, 2, 0, 8972}, 3, 4, 1500);
    rig.nat.uplink.mtu = 9000;
    rig_from_guest((struct rig_packet){IP_PROTOCOL_UDP, GUEST, SERVER, 1, 2, 0, 8972});
    pkt = rig_take(&rig.uplink);
    CHECK(pkt != NULL && pkt->len == 9014 && rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
    CHECK_EQ(nat_uplink_set(&rig.nat, &(struct nat_uplink){0}), 0);
    expect_error(udp, 3, 0, 0);
}

TEST(errors_are_limited)
{
    struct rig_packet p = syn;

    rig_start();
    p.dst = HOST;
    for (u32 i = 0; i < 4 * NAT_ICMP_BURST; i++)
        rig_from_guest(p), i % 32 == 31 ? rig_flush(&rig.inside) : (void)0;
    rig_flush(&rig.inside);
    rig_from_guest(p);
    CHECK_EQ(rig.inside.count, 0);
    rig.now_ns += NS_PER_S;
    expect_error(p, 3, 13, 0);
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
