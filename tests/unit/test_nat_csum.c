/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* Checksums of translated packets: full, partial, wrong and absent. */
#include "tests/unit/nat_v4_rig.h"

#include "drivers/net/pktbuf_csum.h"

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
