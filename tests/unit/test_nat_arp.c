/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* ARP on both sides of the NAT. */
#include "tests/unit/nat_v4_rig.h"

static struct pktbuf *arp(const u8 dst[6], const u8 src[6], u16 op, u32 src_ip, u32 dst_ip)
{
    struct pktbuf *pkt = rig_frame(dst, src, ETHERNET_TYPE_ARP, 28);
    u8 *at = pktbuf_data(pkt) + 14;

    memcpy(at, "\0\1\10\0\6\4\0", 7);
    at[7] = (u8)op;
    memcpy(at + 8, src, 6);
    inet_store32(at + 14, src_ip);
    if (dst[0] != 0xff)
        memcpy(at + 18, dst, 6);
    inet_store32(at + 24, dst_ip);
    return pkt;
}

static void from_guest(struct pktbuf *pkt)
{
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
}

TEST(the_gateway_answers_for_its_own_address_only)
{
    struct pktbuf *pkt;

    rig_reset();
    from_guest(arp(everybody, guest_mac, 1, GUEST, GATEWAY));
    pkt = rig_take(&rig.inside);
    CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
    CHECK_EQ(rig_ip(pkt)[7], 2);
    CHECK(memcmp(rig_ip(pkt) + 8, gateway_mac, 6) == 0);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 14), GATEWAY);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 24), GUEST);
    CHECK_EQ(pkt->len, 42);
    pktbuf_free(pkt);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), GUEST);
    from_guest(arp(everybody, guest_mac, 1, GUEST, GUEST2));
    from_guest(arp(everybody, guest_mac, 1, GUEST, SERVER));
    from_guest(arp(gateway_mac, guest_mac, 2, GUEST, GATEWAY));
    CHECK_EQ(rig.inside.count, 0);
}

TEST(a_probe_before_there_is_an_address_is_answered)
{
    rig_reset();
    from_guest(arp(everybody, guest_mac, 1, 0, GATEWAY));
    CHECK_EQ(rig.inside.count, 1);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), 0);
}

TEST(nobody_takes_anothers_address)
{
    struct pktbuf *pkt;

    rig_reset();
    from_guest(arp(everybody, guest_mac, 1, GUEST, GATEWAY));
    rig_flush(&rig.inside);
    from_guest(arp(everybody, guest2_mac, 1, GUEST, GATEWAY));
    from_guest(arp(everybody, guest2_mac, 1, GATEWAY, GATEWAY));
    pkt = arp(everybody, guest2_mac, 1, GUEST2, GATEWAY);
    pktbuf_data(pkt)[14 + 8 + 5]++; /* of another MAC than the sender's */
    from_guest(pkt);
    CHECK_EQ(rig.inside.count, 0);
    CHECK_EQ(nat_host_address(&rig.nat, guest2_mac), 0);
    CHECK_EQ(nat_counters(&rig.nat)->spoofed, 2);
}

TEST(short_and_strange_messages_are_dropped)
{
    rig_reset();
    for (u16 len = 14; len < 42; len++) {
        struct pktbuf *pkt = arp(everybody, guest_mac, 1, GUEST, GATEWAY);

        pkt->len = len;
        from_guest(pkt);
    }
    for (u32 i = 0; i < 6; i++) {
        struct pktbuf *pkt = arp(everybody, guest_mac, 1, GUEST, GATEWAY);

        pktbuf_data(pkt)[14 + i]++;
        from_guest(pkt);
    }
    CHECK_EQ(rig.inside.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->malformed, 34);
}

TEST(frames_wait_for_the_router_and_only_so_many)
{
    rig_reset();
    for (u32 i = 0; i < 5; i++)
        rig_from_guest(udp);
    CHECK_EQ(rig.uplink.count, 1); /* asked once */
    CHECK_EQ(nat_counters(&rig.nat)->no_uplink, 3);
    rig_answer_arp();
    CHECK_EQ(rig.uplink.count, NAT_PENDING);
    rig_from_guest(udp);
    CHECK_EQ(rig.uplink.count, NAT_PENDING + 1);
}

TEST(who_does_not_answer_is_asked_three_times)
{
    rig_reset();
    rig_from_guest(udp);
    for (u32 i = 0; i < 5; i++) {
        rig.now_ns += NS_PER_S;
        nat_tick(&rig.nat, rig.now_ns);
    }
    CHECK_EQ(rig.uplink.count, 3);
    CHECK_EQ(nat_counters(&rig.nat)->no_uplink, 1);
}

TEST(only_an_answer_to_a_question_is_believed)
{
    struct pktbuf *pkt;

    rig_start();
    CHECK(!rig_from_outside_pkt(arp(host_mac, guest2_mac, 2, ROUTER, HOST)));
    rig_from_guest(udp);
    pkt = rig_take(&rig.uplink);
    CHECK(memcmp(pktbuf_data(pkt), router_mac, 6) == 0);
    pktbuf_free(pkt);
    rig.now_ns += 40 * NS_PER_S; /* now it is asked again */
    rig_from_guest(udp);
    CHECK_EQ(rig.uplink.count, 2);
    CHECK(!rig_from_outside_pkt(arp(host_mac, guest2_mac, 1, ROUTER, HOST)));
    CHECK(!rig_from_outside_pkt(arp(host_mac, guest2_mac, 2, ROUTER, HOST)));
    rig_flush(&rig.uplink);
    rig_from_guest(udp);
    pkt = rig_take(&rig.uplink);
    CHECK(memcmp(pktbuf_data(pkt), guest2_mac, 6) == 0);
    pktbuf_free(pkt);
}

TEST(a_neighbour_on_the_link_is_asked_itself)
{
    struct rig_packet near = udp;
    struct pktbuf *pkt;

    rig_start();
    near.dst = ROUTER + 7;
    rig_from_guest(near);
    pkt = rig_take(&rig.uplink);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 24), ROUTER + 7);
    CHECK(memcmp(pktbuf_data(pkt), everybody, 6) == 0);
    pktbuf_free(pkt);
}

TEST(a_scan_does_not_drive_the_router_out)
{
    struct rig_packet scan = udp;
    struct pktbuf *pkt;

    rig_start();
    for (u32 i = 0; i < 100; i++) {
        scan.dst = HOST + 10 + i;
        rig_from_guest(scan);
        rig_flush(&rig.uplink);
    }
    rig_from_guest(udp);
    pkt = rig_take(&rig.uplink);
    CHECK(memcmp(pktbuf_data(pkt), router_mac, 6) == 0);
    pktbuf_free(pkt);
}
