/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 packets of a guest, a router outside, and what the NAT makes of them. */
#ifndef SOCLE_TESTS_NAT_V6_RIG_H
#define SOCLE_TESTS_NAT_V6_RIG_H

#include "tests/unit/nat_rig.h"

#define IP6(a, b, c, d) ((struct inet_address){(u64)(a) << 32 | (b), (u64)(c) << 32 | (d)})

/* The MAC of the rig's guest as an identifier; one that no MAC makes. */
#define GUEST_ID 0x000000fffe00000aull
#define OTHER_ID 0x1234567890abcdefull

static const struct inet_address none, all_nodes = {0xff02ull << 48, 1};
static const struct inet_address link_gateway = {0xfe80ull << 48, 1};
static const struct inet_address guest_link = {0xfe80ull << 48, GUEST_ID};
static const struct inet_address host6 = {0x20010db800000001ull, 0x15};
static const struct inet_address router6 = {0xfe80ull << 48, 0x99};
static const struct inet_address server6 = {0x2606280002200001ull, 0x1946};

/* An address of the inside prefix. */
static inline struct inet_address inside(u64 id)
{
    return (struct inet_address){rig.nat.gateway6.hi, id};
}

static inline void store(u8 *at, struct inet_address ip)
{
    inet_store64(at, ip.hi);
    inet_store64(at + 8, ip.lo);
}

static inline struct inet_address load(const u8 *at)
{
    return (struct inet_address){inet_load64(at), inet_load64(at + 8)};
}

static inline u16 slow_pseudo6(const u8 *ip)
{
    return slow_sum(ip + 8, 32, (u32)ip[6] + inet_load16(ip + 4));
}

static inline bool sum_is_right(const u8 *ip)
{
    return slow_sum(ip + 40, inet_load16(ip + 4), slow_pseudo6(ip)) == 0xffff;
}

static inline void fill_sum(u8 *ip)
{
    u32 at = 40u + (ip[6] == IP_PROTOCOL_TCP ? 16 : ip[6] == IP_PROTOCOL_UDP ? 6 : 2);
    u16 sum;

    inet_store16(ip + at, 0);
    sum = (u16)~slow_sum(ip + 40, inet_load16(ip + 4), slow_pseudo6(ip));
    inet_store16(ip + at, sum == 0 && ip[6] == IP_PROTOCOL_UDP ? 0xffff : sum);
}

static inline struct pktbuf *raw6(const u8 dst_mac[6], const u8 src_mac[6], struct inet_address src,
                                  struct inet_address dst, u8 next, const void *l4, u32 bytes)
{
    struct pktbuf *pkt = rig_frame(dst_mac, src_mac, ETHERNET_TYPE_IPV6, 40 + bytes);
    u8 *ip = pktbuf_data(pkt) + 14;

    ip[0] = 0x60;
    inet_store16(ip + 4, (u16)bytes);
    ip[6] = next;
    ip[7] = next == IP_PROTOCOL_ICMPV6 ? 255 : 64;
    store(ip + 8, src);
    store(ip + 24, dst);
    memcpy(ip + 40, l4, bytes);
    if (next == IP_PROTOCOL_TCP || next == IP_PROTOCOL_UDP || next == IP_PROTOCOL_ICMPV6)
        fill_sum(ip);
    return pkt;
}

struct packet6 {
    u8 protocol;
    struct inet_address src, dst;
    u16 src_port, dst_port; /* ICMPv6: type, identifier */
    u8 flags;
    u32 payload;
};

static inline struct pktbuf *packet6(const u8 dst_mac[6], const u8 src_mac[6], struct packet6 p)
{
    u8 l4[1500] = {0};

    rig_l4(l4, p.protocol, p.src_port, p.dst_port, p.flags, p.payload);
    return raw6(dst_mac, src_mac, p.src, p.dst, p.protocol, l4,
                rig_l4_bytes(p.protocol, p.payload));
}

static inline void from_guest6(struct packet6 p)
{
    nat_from_inside(&rig.nat, packet6(gateway_mac, guest_mac, p), rig.now_ns);
}

static inline bool from_outside6(struct packet6 p)
{
    return rig_from_outside_pkt(packet6(host_mac, router_mac, p));
}

static inline void up6(bool is_up)
{
    struct nat_uplink up = rig_uplink;

    if (is_up)
        up.v6 = (struct nat_uplink_v6){.is_up = true,
                                       .is_on_link = true,
                                       .mtu = 1500,
                                       .address = host6,
                                       .router = router6,
                                       .hosts = {IP6(0xfe800000, 0, 0, 0x15), host6}};
    CHECK_EQ(nat_uplink_set(&rig.nat, &up), 0);
}

/* The router answers the solicitation that came out last. */
static inline void answer_solicitation(struct inet_address of)
{
    struct pktbuf *pkt = rig_take(&rig.uplink);
    const u8 *ip;
    u8 nd[32] = {136, 0, 0, 0, 0x60};

    if (!CHECK(pkt != NULL))
        return;
    ip = rig_ip(pkt);
    CHECK_EQ(inet_load16(pktbuf_data(pkt) + 12), ETHERNET_TYPE_IPV6);
    CHECK_EQ(ip[40], 135);
    CHECK_EQ(ip[7], 255);
    CHECK(sum_is_right(ip));
    CHECK(inet_same(load(ip + 8), host6) && inet_same(load(ip + 48), of));
    CHECK(pktbuf_data(pkt)[0] == 0x33 && pktbuf_data(pkt)[2] == 0xff);
    CHECK(memcmp(ip + 40 + 26, host_mac, 6) == 0);
    pktbuf_free(pkt);
    store(nd + 8, of);
    nd[24] = 2;
    nd[25] = 1;
    memcpy(nd + 26, router_mac, 6);
    CHECK(!rig_from_outside_pkt(
        raw6(host_mac, router_mac, of, host6, IP_PROTOCOL_ICMPV6, nd, sizeof(nd))));
}

static const u16 echo_request = 128, echo_reply = 129;

/* A NAT with IPv6 outside, whose router is known already. */
static inline void start6(void)
{
    rig_reset();
    up6(true);
    from_guest6((struct packet6){IP_PROTOCOL_UDP, inside(GUEST_ID), server6, 9, 9, 0, 4});
    answer_solicitation(router6);
    CHECK_EQ(rig.uplink.count, 1); /* what waited */
    rig_flush(&rig.uplink);
}

static inline struct packet6 udp6(void)
{
    return (struct packet6){IP_PROTOCOL_UDP, inside(GUEST_ID), server6, 4000, 5000, 0, 30};
}

/* Sends it and takes what leaves: its outside port. */
static inline u16 send_out6(struct packet6 p)
{
    struct pktbuf *pkt;
    u16 port;

    from_guest6(p);
    pkt = rig_take(&rig.uplink);
    if (!CHECK(pkt != NULL))
        return 0;
    CHECK(memcmp(pktbuf_data(pkt), router_mac, 6) == 0);
    CHECK(memcmp(pktbuf_data(pkt) + 6, host_mac, 6) == 0);
    CHECK(inet_same(load(rig_ip(pkt) + 8), host6) && inet_same(load(rig_ip(pkt) + 24), p.dst));
    CHECK(sum_is_right(rig_ip(pkt)));
    port = inet_load16(rig_ip(pkt) + 40 + (p.protocol == IP_PROTOCOL_ICMPV6 ? 4 : 0));
    pktbuf_free(pkt);
    return port;
}

static inline void expect_error6(struct packet6 p, u8 type, u8 code, u32 info)
{
    struct pktbuf *pkt;

    from_guest6(p);
    CHECK_EQ(rig.uplink.count, 0);
    pkt = rig_take(&rig.inside);
    if (!CHECK(pkt != NULL))
        return;
    CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
    CHECK(sum_is_right(rig_ip(pkt)));
    CHECK(inet_same(load(rig_ip(pkt) + 24), p.src));
    CHECK_EQ(rig_ip(pkt)[40], type);
    CHECK_EQ(rig_ip(pkt)[41], code);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 44), info);
    CHECK(inet_same(load(rig_ip(pkt) + 48 + 24), p.dst));
    CHECK(pkt->len <= 14 + 1280);
    pktbuf_free(pkt);
}

#endif
