/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* ICMP through the NAT: echoes, errors with their quotes, and errors of its own. */
#include "tests/unit/nat_v4_rig.h"

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
