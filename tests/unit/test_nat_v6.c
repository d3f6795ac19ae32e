/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* IPv6: neighbours, advertisements, names, translation, and what is refused. */
#include "tests/unit/nat_rig.h"

#include "core/lib/errno.h"
#include "drivers/net/nat/dns.h"
#include "drivers/net/pktbuf_csum.h"

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
static struct inet_address inside(u64 id)
{
    return (struct inet_address){rig.nat.gateway6.hi, id};
}

static void store(u8 *at, struct inet_address ip)
{
    inet_store64(at, ip.hi);
    inet_store64(at + 8, ip.lo);
}

static struct inet_address load(const u8 *at)
{
    return (struct inet_address){inet_load64(at), inet_load64(at + 8)};
}

static u16 slow_pseudo6(const u8 *ip)
{
    return slow_sum(ip + 8, 32, (u32)ip[6] + inet_load16(ip + 4));
}

static bool sum_is_right(const u8 *ip)
{
    return slow_sum(ip + 40, inet_load16(ip + 4), slow_pseudo6(ip)) == 0xffff;
}

static void fill_sum(u8 *ip)
{
    u32 at = 40u + (ip[6] == IP_PROTOCOL_TCP ? 16 : ip[6] == IP_PROTOCOL_UDP ? 6 : 2);
    u16 sum;

    inet_store16(ip + at, 0);
    sum = (u16)~slow_sum(ip + 40, inet_load16(ip + 4), slow_pseudo6(ip));
    inet_store16(ip + at, sum == 0 && ip[6] == IP_PROTOCOL_UDP ? 0xffff : sum);
}

static struct pktbuf *raw6(const u8 dst_mac[6], const u8 src_mac[6], struct inet_address src,
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

static struct pktbuf *packet6(const u8 dst_mac[6], const u8 src_mac[6], struct packet6 p)
{
    u32 header = p.protocol == IP_PROTOCOL_TCP ? 20 : 8;
    u8 l4[1500] = {0};

    for (u32 i = 0; i < p.payload; i++)
        l4[header + i] = (u8)(i * 7);
    if (p.protocol == IP_PROTOCOL_ICMPV6) {
        l4[0] = (u8)p.src_port;
        inet_store16(l4 + 4, p.dst_port);
    } else {
        inet_store16(l4, p.src_port);
        inet_store16(l4 + 2, p.dst_port);
    }
    if (p.protocol == IP_PROTOCOL_UDP)
        inet_store16(l4 + 4, (u16)(8 + p.payload));
    if (p.protocol == IP_PROTOCOL_TCP) {
        l4[12] = 0x50;
        l4[13] = p.flags;
    }
    return raw6(dst_mac, src_mac, p.src, p.dst, p.protocol, l4, header + p.payload);
}

static void from_guest6(struct packet6 p)
{
    nat_from_inside(&rig.nat, packet6(gateway_mac, guest_mac, p), rig.now_ns);
}

static bool from_outside6(struct packet6 p)
{
    return rig_from_outside_pkt(packet6(host_mac, router_mac, p));
}

/* A solicitation for `target`. */
static struct pktbuf *solicitation(const u8 src_mac[6], struct inet_address src,
                                   struct inet_address target)
{
    const u8 group_mac[6] = {0x33, 0x33, 0xff, 0, 0, (u8)target.lo};
    u8 nd[32] = {135};

    store(nd + 8, target);
    nd[24] = 1;
    nd[25] = 1;
    memcpy(nd + 26, src_mac, 6);
    return raw6(group_mac, src_mac, src,
                IP6(0xff020000, 0, 1, 0xff000000 | (u32)(target.lo & 0xffffff)), IP_PROTOCOL_ICMPV6,
                nd, inet_is_none(src) ? 24 : 32);
}

static struct pktbuf *router_solicitation(struct inet_address src)
{
    static const u8 routers_mac[6] = {0x33, 0x33, 0, 0, 0, 2};
    const u8 rs[8] = {133};

    return raw6(routers_mac, guest_mac, src, IP6(0xff020000, 0, 0, 2), IP_PROTOCOL_ICMPV6, rs, 8);
}

static const u8 *find_option(const struct pktbuf *pkt, u32 at, u8 type)
{
    const u8 *end = pktbuf_data(pkt) + pkt->len, *option = pktbuf_data(pkt) + 14 + 40 + at;

    while (option + 8 <= end && option[0] != type && option[1] != 0)
        option += option[1] * 8;
    return option + 8 <= end && option[0] == type ? option : NULL;
}

static void up6(bool is_up)
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
static void answer_solicitation(struct inet_address of)
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
static void start6(void)
{
    rig_reset();
    up6(true);
    from_guest6((struct packet6){IP_PROTOCOL_UDP, inside(GUEST_ID), server6, 9, 9, 0, 4});
    answer_solicitation(router6);
    CHECK_EQ(rig.uplink.count, 1); /* what waited */
    rig_flush(&rig.uplink);
}

static struct packet6 udp6(void)
{
    return (struct packet6){IP_PROTOCOL_UDP, inside(GUEST_ID), server6, 4000, 5000, 0, 30};
}

/* Sends it and takes what leaves: its outside port. */
static u16 send_out6(struct packet6 p)
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

static void expect_error6(struct packet6 p, u8 type, u8 code, u32 info)
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

TEST(the_prefix_is_a_ula_that_follows_from_name_and_subnet)
{
    struct nat_config cfg = rig_config;
    u64 prefix;

    rig_reset();
    prefix = rig.nat.gateway6.hi;
    CHECK_EQ(prefix >> 56, 0xfd);
    CHECK_EQ(prefix & 0xffff, 0);
    rig_reset();
    CHECK_EQ(rig.nat.gateway6.hi, prefix);
    cfg.gateway += 0x100;
    cfg.range_first += 0x100;
    cfg.range_last += 0x100;
    CHECK_EQ(nat_init(&rig.nat, &cfg, &rig_ops, NULL), 0);
    CHECK(rig.nat.gateway6.hi != prefix);
}

TEST(a_router_solicitation_is_answered)
{
    const struct inet_address sources[] = {guest_link, none};

    for (u32 i = 0; i < 4; i++) {
        struct pktbuf *pkt;
        const u8 *ip, *option;

        rig_reset();
        up6(i >= 2);
        nat_from_inside(&rig.nat, router_solicitation(sources[i % 2]), rig.now_ns);
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        ip = rig_ip(pkt);
        CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
        CHECK(inet_same(load(ip + 8), link_gateway));
        CHECK(inet_same(load(ip + 24), i % 2 ? all_nodes : guest_link));
        CHECK_EQ(ip[7], 255);
        CHECK_EQ(ip[40], 134);
        CHECK(sum_is_right(ip));
        /* No way out: no default router. */
        CHECK_EQ(inet_load16(ip + 46), i >= 2 ? 1800 : 0);
        option = find_option(pkt, 16, 3);
        CHECK(option && option[2] == 64 && option[3] == 0xc0 &&
              inet_load64(option + 16) == rig.nat.gateway6.hi && inet_load64(option + 24) == 0);
        option = find_option(pkt, 16, 25);
        CHECK(option && inet_same(load(option + 8), inside(1)));
        option = find_option(pkt, 16, 5);
        CHECK(option && inet_load32(option + 4) == 1500);
        option = find_option(pkt, 16, 1);
        CHECK(option && memcmp(option + 2, gateway_mac, 6) == 0);
        pktbuf_free(pkt);
    }
}

TEST(guests_hear_when_the_way_out_comes_and_goes_and_from_time_to_time)
{
    struct pktbuf *pkt;

    rig_reset();
    up6(true);
    CHECK_EQ(rig.inside.count, 0); /* nobody speaks IPv6 */
    rig.now_ns += 1000 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(rig.inside.count, 0);
    nat_from_inside(&rig.nat, router_solicitation(guest_link), rig.now_ns);
    rig_flush(&rig.inside);
    for (u32 i = 0; i < 2; i++) {
        up6(i == 1);
        up6(i == 1); /* once only */
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        CHECK(memcmp(pktbuf_data(pkt), "\x33\x33\0\0\0\1", 6) == 0);
        CHECK_EQ(inet_load16(rig_ip(pkt) + 46), i ? 1800 : 0);
        CHECK_EQ(rig.inside.count, 0);
        pktbuf_free(pkt);
    }
    rig.now_ns += 100 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(rig.inside.count, 0);
    rig.now_ns += 101 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(rig.inside.count, 1);
}

TEST(the_gateway_answers_for_both_its_addresses)
{
    const struct inet_address askers[] = {guest_link, none};

    rig_reset();
    for (u32 i = 0; i < 4; i++) {
        struct inet_address target = i < 2 ? link_gateway : inside(1), asker = askers[i % 2];
        struct pktbuf *pkt;

        nat_from_inside(&rig.nat, solicitation(guest_mac, asker, target), rig.now_ns);
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        CHECK(memcmp(pktbuf_data(pkt), guest_mac, 6) == 0);
        CHECK_EQ(rig_ip(pkt)[40], 136);
        CHECK_EQ(rig_ip(pkt)[44], i % 2 ? 0xa0 : 0xe0);
        CHECK_EQ(rig_ip(pkt)[7], 255);
        CHECK(inet_same(load(rig_ip(pkt) + 48), target));
        CHECK(inet_same(load(rig_ip(pkt) + 24), i % 2 ? all_nodes : guest_link));
        CHECK(memcmp(find_option(pkt, 24, 2) + 2, gateway_mac, 6) == 0);
        CHECK(sum_is_right(rig_ip(pkt)));
        pktbuf_free(pkt);
    }
    nat_from_inside(&rig.nat, solicitation(guest_mac, guest_link, inside(2)), rig.now_ns);
    CHECK_EQ(rig.inside.count, 0);
}

TEST(solicitations_that_are_wrong_or_from_beyond_the_link_are_dropped)
{
    for (u32 i = 0; i < 5; i++) {
        struct pktbuf *pkt;
        u8 *ip;

        rig_reset();
        pkt = solicitation(guest_mac, guest_link, link_gateway);
        ip = pktbuf_data(pkt) + 14;
        if (i == 0)
            ip[7] = 254;
        else if (i == 1)
            ip[41] = 1; /* code */
        else if (i == 2)
            ip[40 + 25] = 0; /* an option without end */
        else if (i == 3)
            ip[40 + 25] = 2; /* one beyond the packet */
        else
            inet_store16(ip + 4, 16); /* half a target */
        fill_sum(ip);
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        CHECK_EQ(rig.inside.count, 0);
        CHECK_EQ(rig.nat.counters.malformed, 1);
    }
    rig_reset();
    {
        struct pktbuf *pkt = solicitation(guest_mac, guest_link, link_gateway);

        pktbuf_data(pkt)[14 + 42] ^= 1; /* checksum */
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
    }
    CHECK_EQ(rig.nat.counters.malformed, 1);
}

TEST(the_gateway_answers_echo)
{
    const struct inet_address sources[] = {inside(GUEST_ID), guest_link};

    for (u32 i = 0; i < 2; i++) {
        struct inet_address src = sources[i], dst = i ? link_gateway : inside(1);
        struct pktbuf *pkt;

        rig_reset();
        src = i ? guest_link : inside(GUEST_ID);
        dst = i ? link_gateway : inside(1);
        from_guest6((struct packet6){IP_PROTOCOL_ICMPV6, src, dst, echo_request, 77, 0, 56});
        pkt = rig_take(&rig.inside);
        if (!CHECK(pkt != NULL))
            return;
        CHECK_EQ(rig_ip(pkt)[40], echo_reply);
        CHECK(inet_same(load(rig_ip(pkt) + 8), dst) && inet_same(load(rig_ip(pkt) + 24), src));
        CHECK_EQ(inet_load16(rig_ip(pkt) + 44), 77);
        CHECK(sum_is_right(rig_ip(pkt)));
        pktbuf_free(pkt);
    }
}

/* Sends it from a NIC. Return: whether its source was taken for its own. */
static bool is_accepted(const u8 mac[6], struct inet_address src)
{
    u64 spoofed = rig.nat.counters.spoofed;
    struct packet6 p = udp6();

    p.src = src;
    nat_from_inside(&rig.nat, packet6(gateway_mac, mac, p), rig.now_ns);
    rig_flush(&rig.uplink);
    return rig.nat.counters.spoofed == spoofed;
}

TEST(sources_that_no_guest_has_are_dropped)
{
    start6();
    /* The gateway's, the routers' group, outside, all nodes, none, another link-local subnet. */
    const struct inet_address wrong[] = {
        inside(1), inside(0), server6, link_gateway, all_nodes, none, IP6(0xfe800000, 1, 5, 5)};
    for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
        CHECK(!is_accepted(guest_mac, wrong[i]));
    CHECK_EQ(rig.inside.count, 0);
}

TEST(an_address_is_of_the_nic_that_has_it_first)
{
    start6();
    CHECK(is_accepted(guest_mac, inside(OTHER_ID)));
    CHECK(!is_accepted(guest2_mac, inside(OTHER_ID)));
    nat_host_remove(&rig.nat, guest_mac);
    CHECK_EQ(nat_connection_count(&rig.nat), 0);
    CHECK(is_accepted(guest2_mac, inside(OTHER_ID)));
}

TEST(an_address_made_of_a_mac_is_of_that_nic)
{
    start6();
    CHECK(!is_accepted(guest2_mac, inside(GUEST_ID)));
    nat_host_remove(&rig.nat, guest2_mac);
    /* As long as no NIC is known by that MAC it is an address like any other. */
    CHECK(is_accepted(guest_mac, inside(GUEST_ID + 1)));
    CHECK_EQ(nat_connection_count(&rig.nat), 2);
    CHECK(is_accepted(guest2_mac, inside(GUEST_ID + 1)));
    CHECK_EQ(nat_connection_count(&rig.nat), 2);
    CHECK(!is_accepted(guest_mac, inside(GUEST_ID + 1)));
}

TEST(a_nic_has_eight_addresses_at_a_time)
{
    start6();
    for (u32 i = 1; i < NAT_HOST_OWN6; i++)
        CHECK(is_accepted(guest_mac, inside(OTHER_ID + i)));
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_HOST_OWN6);
    CHECK(!is_accepted(guest_mac, inside(OTHER_ID)));
    rig.now_ns += 6 * NS_PER_S;
    for (u32 i = 1; i < NAT_HOST_OWN6; i++)
        CHECK(is_accepted(guest_mac, inside(OTHER_ID + i)));
    /* The first one, with its connections. */
    CHECK(is_accepted(guest_mac, inside(OTHER_ID)));
    CHECK_EQ(nat_connection_count(&rig.nat), NAT_HOST_OWN6);
    CHECK(!is_accepted(guest_mac, inside(GUEST_ID)));
}

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

TEST(neighbours_are_learnt_from_answers_on_the_link_only)
{
    u8 nd[32] = {136, 0, 0, 0, 0x60};
    struct pktbuf *pkt;

    rig_reset();
    up6(true);
    from_guest6(udp6());
    CHECK_EQ(rig.uplink.count, 1);
    store(nd + 8, router6);
    nd[24] = 2;
    nd[25] = 1;
    memcpy(nd + 26, router_mac, 6);
    pkt = raw6(host_mac, router_mac, router6, host6, IP_PROTOCOL_ICMPV6, nd, sizeof(nd));
    pktbuf_data(pkt)[14 + 7] = 254; /* from beyond the link */
    CHECK(!rig_from_outside_pkt(pkt));
    pkt = raw6(host_mac, router_mac, router6, host6, IP_PROTOCOL_ICMPV6, nd, 24); /* no address */
    CHECK(!rig_from_outside_pkt(pkt));
    nd[26] |= 1; /* a group's */
    pkt = raw6(host_mac, router_mac, router6, host6, IP_PROTOCOL_ICMPV6, nd, sizeof(nd));
    CHECK(!rig_from_outside_pkt(pkt));
    CHECK_EQ(rig.uplink.count, 1);
    answer_solicitation(router6);
    CHECK_EQ(rig.uplink.count, 1); /* what waited */
    rig_flush(&rig.uplink);
    /* Who is on the link is asked itself. */
    struct packet6 p = udp6();

    p.dst = (struct inet_address){host6.hi, 0x42};
    from_guest6(p);
    answer_solicitation(p.dst);
    CHECK_EQ(rig.uplink.count, 1);
}

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

TEST(an_uplink_with_the_inside_prefix_is_none)
{
    struct nat_uplink up = rig_uplink;

    rig_reset();
    up.v6 =
        (struct nat_uplink_v6){.is_up = true, .mtu = 1500, .address = inside(5), .router = router6};
    CHECK_EQ(nat_uplink_set(&rig.nat, &up), -EINVAL);
    CHECK(!rig.nat.uplink.v6.is_up && rig.nat.uplink.is_up);
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
