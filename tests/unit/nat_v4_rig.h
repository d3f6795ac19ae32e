/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 packets of a guest, and what the NAT makes of them. */
#ifndef SOCLE_TESTS_NAT_V4_RIG_H
#define SOCLE_TESTS_NAT_V4_RIG_H

#include "tests/unit/nat_rig.h"

static const struct rig_packet udp = {IP_PROTOCOL_UDP, GUEST, SERVER, 4000, 5000, 0, 30};
static const struct rig_packet syn = {IP_PROTOCOL_TCP, GUEST, SERVER, 4001, 80, TCP_SYN, 0};

/* Sends it and takes what leaves: its outside port. The frame is freed. */
static inline u16 send_out(struct rig_packet p)
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
static inline void expect_error(struct rig_packet p, u8 type, u8 code, u16 info)
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

static const struct nat_forward forwards[] = {
    {IP_PROTOCOL_TCP, 2222, 22, "web"},
    {IP_PROTOCOL_UDP, NAT_PORT_LOW + 7, 53, "web"},
};

#endif
