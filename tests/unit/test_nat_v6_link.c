/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* IPv6 on a link: prefix, advertisements, neighbours, and whose an address is. */
#include "tests/unit/nat_v6_rig.h"

#include "core/lib/errno.h"

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

TEST(an_uplink_with_the_inside_prefix_is_none)
{
    struct nat_uplink up = rig_uplink;

    rig_reset();
    up.v6 =
        (struct nat_uplink_v6){.is_up = true, .mtu = 1500, .address = inside(5), .router = router6};
    CHECK_EQ(nat_uplink_set(&rig.nat, &up), -EINVAL);
    CHECK(!rig.nat.uplink.v6.is_up && rig.nat.uplink.is_up);
}
