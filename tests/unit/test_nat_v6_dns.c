/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* Names asked for by IPv6, and those of VMs. */
#include "tests/unit/nat_v6_rig.h"

#include "drivers/net/nat/dns.h"

/* A question for example.org, type A. */
static u32 question(u8 *at, u16 id)
{
    static const u8 name[] = "\7example\3org";

    memset(at, 0, 12);
    inet_store16(at, id);
    at[2] = 1; /* recursion desired */
    at[5] = 1;
    memcpy(at + 12, name, sizeof(name));
    memcpy(at + 12 + sizeof(name), "\0\1\0\1", 4);
    return 12 + sizeof(name) + 4;
}

static void ask6(struct inet_address dst)
{
    u8 udp[200] = {0};
    u32 bytes = 8 + question(udp + 8, 0xabcd);

    inet_store16(udp, 3333);
    inet_store16(udp + 2, 53);
    inet_store16(udp + 4, (u16)bytes);
    nat_from_inside(&rig.nat,
                    raw6(gateway_mac, guest_mac,
                         inet_is_link_local_v6(dst) ? guest_link : inside(GUEST_ID), dst,
                         IP_PROTOCOL_UDP, udp, bytes),
                    rig.now_ns);
}

TEST(names_asked_for_by_ipv6_are_asked_for_by_ipv4)
{
    for (u32 i = 0; i < 6; i++) {
        struct inet_address server = i % 2 ? link_gateway : inside(1);
        u32 extra = i < 2 ? 0 : i < 4 ? 1180 : 1300; /* fits; just not; does not */
        bool is_cut = i >= 4;
        struct pktbuf *pkt, *answer;
        u32 bytes;
        u16 port;

        rig_start();
        server = i % 2 ? link_gateway : inside(1);
        ask6(server);
        pkt = rig_take(&rig.uplink);
        if (!CHECK(pkt != NULL) || rig.uplink.count > 0)
            return;
        if (inet_load16(pktbuf_data(pkt) + 12) == ETHERNET_TYPE_ARP) {
            rig_queue_push(&rig.uplink, pkt);
            rig_answer_arp();
            pkt = rig_take(&rig.uplink);
        }
        CHECK_EQ(inet_load16(pktbuf_data(pkt) + 12), ETHERNET_TYPE_IPV4);
        CHECK(rig_sums_are_right(rig_ip(pkt)));
        CHECK_EQ(inet_load32(rig_ip(pkt) + 12), HOST);
        CHECK_EQ(inet_load32(rig_ip(pkt) + 16), RESOLVER);
        port = inet_load16(rig_ip(pkt) + 20);
        bytes = inet_load16(rig_ip(pkt) + 2) - 28u;

        answer = rig_packet(
            host_mac, router_mac,
            (struct rig_packet){IP_PROTOCOL_UDP, RESOLVER, HOST, 53, port, 0, bytes + extra});
        memcpy(pktbuf_data(answer) + 14 + 28, rig_ip(pkt) + 28, bytes);
        pktbuf_data(answer)[14 + 28 + 2] |= 0x80;
        rig_sum(pktbuf_data(answer) + 14);
        if (i % 2) /* IPv4 need not have one */
            inet_store16(pktbuf_data(answer) + 14 + 26, 0);
        pktbuf_free(pkt);
        CHECK(rig_from_outside_pkt(answer));
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        CHECK_EQ(inet_load16(pktbuf_data(pkt) + 12), ETHERNET_TYPE_IPV6);
        CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
        CHECK(sum_is_right(rig_ip(pkt)) && inet_load16(rig_ip(pkt) + 46) != 0);
        CHECK(inet_same(load(rig_ip(pkt) + 8), server));
        CHECK_EQ(inet_load16(rig_ip(pkt) + 42), 3333);
        CHECK_EQ(inet_load16(rig_ip(pkt) + 48), 0xabcd);
        CHECK_EQ((rig_ip(pkt)[50] & 2) != 0, is_cut);
        CHECK_EQ(pkt->len, 14 + 48 + bytes + (is_cut ? 0 : extra));
        pktbuf_free(pkt);
    }
}

TEST(without_servers_names_fail_at_once)
{
    static const struct nat_uplink nothing;
    struct pktbuf *pkt;

    rig_reset();
    CHECK_EQ(nat_uplink_set(&rig.nat, &nothing), 0);
    ask6(inside(1));
    pkt = rig_take(&rig.inside);
    if (!CHECK(pkt != NULL))
        return;
    CHECK_EQ(rig_ip(pkt)[51] & 15, DNS_SERVER_FAILURE);
    CHECK(sum_is_right(rig_ip(pkt)));
    CHECK(inet_same(load(rig_ip(pkt) + 8), inside(1)));
    pktbuf_free(pkt);
}

TEST(a_vms_name_has_its_ipv6_address)
{
    static const u8 name[] = "\2vm\7default\10internal";
    u8 udp[100] = {0};
    u32 bytes = 8 + 12 + sizeof(name) + 4;

    for (u32 i = 0; i < 2; i++) {
        struct pktbuf *pkt;

        rig_reset();
        CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "vm"), 0);
        if (i == 1) { /* it is seen with one */
            from_guest6(udp6());
            rig_flush(&rig.inside);
        }
        inet_store16(udp, 3333);
        inet_store16(udp + 2, 53);
        inet_store16(udp + 4, (u16)bytes);
        udp[8 + 5] = 1;
        memcpy(udp + 20, name, sizeof(name));
        memcpy(udp + 20 + sizeof(name), "\0\34\0\1", 4);
        nat_from_inside(
            &rig.nat,
            raw6(gateway_mac, guest_mac, guest_link, link_gateway, IP_PROTOCOL_UDP, udp, bytes),
            rig.now_ns);
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        CHECK(sum_is_right(rig_ip(pkt)));
        CHECK_EQ(rig_ip(pkt)[51] & 15, DNS_NO_ERROR);
        CHECK_EQ(inet_load16(rig_ip(pkt) + 48 + 6), i);
        CHECK_EQ(pkt->len, 14 + 40 + bytes + (i ? 28 : 0));
        if (i == 1)
            CHECK(inet_same(load(pktbuf_data(pkt) + pkt->len - 16), inside(GUEST_ID)));
        pktbuf_free(pkt);
    }
}
