/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* The DNS forwarder: names of VMs, queries and answers, forged answers, its bounds. */
#include "tests/unit/nat_rig.h"

#include "drivers/net/nat/dns.h"

/* Writes the header and the question of a query. Return: its length. */
static u32 write_query(u8 *at, u16 id, const char *name, u16 type)
{
    u32 length = 12;

    memset(at, 0, 12);
    inet_store16(at, id);
    inet_store16(at + 2, 0x0100);
    at[5] = 1;
    while (*name) {
        u32 label = (u32)strcspn(name, ".");

        at[length] = (u8)label;
        memcpy(at + length + 1, name, label);
        length += 1 + label;
        name += label + (name[label] == '.');
    }
    at[length] = 0;
    inet_store16(at + length + 1, type);
    inet_store16(at + length + 3, 1);
    return length + 5;
}

static void ask_from(u16 port, u16 id, const char *name, u16 type)
{
    u8 query[300];
    u32 bytes = write_query(query, id, name, type);
    struct pktbuf *pkt =
        rig_packet(gateway_mac, guest_mac,
                   (struct rig_packet){IP_PROTOCOL_UDP, GUEST, GATEWAY, port, 53, 0, bytes});

    memcpy(pktbuf_data(pkt) + 42, query, bytes);
    rig_sum(pktbuf_data(pkt) + 14);
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
}

/* Asks for a local name and expects an answer with this code and address. */
static void expect_local(const char *name, u16 type, u16 code, u32 address)
{
    struct pktbuf *pkt;
    const u8 *m;

    ask_from(4000, 7, name, type);
    CHECK_EQ(rig.uplink.count, 0);
    pkt = rig_take(&rig.inside);
    if (!CHECK(pkt != NULL))
        return;
    m = rig_ip(pkt) + 28;
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), GATEWAY);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 20), 53);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), 4000);
    CHECK_EQ(inet_load16(m), 7);
    CHECK_EQ(inet_load16(m + 2), 0x8580 | code);
    CHECK_EQ(inet_load16(m + 6), address != 0);
    if (address)
        CHECK_EQ(inet_load32(pktbuf_data(pkt) + pkt->len - 4), address);
    pktbuf_free(pkt);
}

TEST(names_of_vms_are_answered_here)
{
    rig_start();
    CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "web"), 0);
    CHECK_EQ(nat_host_add(&rig.nat, guest2_mac, "db"), 0);
    expect_local("web.default.internal", 1, 0, GUEST);
    expect_local("WEB.Default.Internal", 1, 0, GUEST);
    expect_local("web.default.internal", 28, 0, 0);
    expect_local("db.default.internal", 1, 0, 0); /* no address yet */
    expect_local("mail.default.internal", 1, 3, 0);
    expect_local("a.web.default.internal", 1, 3, 0);
    expect_local("default.internal", 1, 3, 0);
}

TEST(other_names_are_not_local)
{
    u32 before;

    CHECK(!dns_is_local("web.xdefault.internal", "default", &before));
    CHECK(!dns_is_local("internal", "default", &before));
    CHECK(!dns_is_local("web.default.internal.org", "default", &before));
    CHECK(dns_is_local("web.default.internal", "default", &before));
    CHECK_EQ(before, 3);
}

/* The forwarded query: its port and id outside. */
static void take_query(u32 server, u16 *port, u16 *id)
{
    struct pktbuf *pkt = rig_take(&rig.uplink);

    *port = *id = 0;
    if (!CHECK(pkt != NULL))
        return;
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), HOST);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), server);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), 53);
    *port = inet_load16(rig_ip(pkt) + 20);
    *id = inet_load16(rig_ip(pkt) + 28);
    pktbuf_free(pkt);
}

static bool answer(u32 server, u16 port, u16 id, const char *name, u16 flags)
{
    u8 m[300];
    u32 bytes = write_query(m, id, name, 1);
    struct pktbuf *pkt =
        rig_packet(host_mac, router_mac,
                   (struct rig_packet){IP_PROTOCOL_UDP, server, HOST, 53, port, 0, bytes + 16});

    inet_store16(m + 2, flags);
    memcpy(pktbuf_data(pkt) + 42, m, bytes);
    rig_sum(pktbuf_data(pkt) + 14);
    return rig_from_outside_pkt(pkt);
}

/* The resolvers' MAC addresses are known. */
static void start(void)
{
    u16 port, id;

    rig_start();
    for (u32 i = 0; i < 2; i++) {
        ask_from(1, 1, "x", 1);
        rig_answer_arp();
        take_query(i ? RESOLVER2 : RESOLVER, &port, &id);
        CHECK(answer(i ? RESOLVER2 : RESOLVER, port, id, "x", 0x8180) == true);
        if (i == 0) {
            ask_from(1, 1, "x", 1);
            rig_flush(&rig.uplink);
        }
    }
    rig_flush(&rig.inside);
    nat_host_clear(&rig.nat, nat_host_find(&rig.nat, guest_mac), (struct inet_address){0});
}

TEST(a_query_goes_to_the_hosts_server_and_the_answer_comes_back)
{
    struct pktbuf *pkt;
    u16 port, id;

    start();
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER, &port, &id);
    CHECK(port >= nat_dns_port_first(&rig.nat));
    CHECK(answer(RESOLVER, port, id, "example.org", 0x8180));
    pkt = rig_take(&rig.inside);
    if (!CHECK(pkt != NULL))
        return;
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), GATEWAY);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), GUEST);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 20), 53);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 22), 4000);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 28), 7);
    pktbuf_free(pkt);
    CHECK(answer(RESOLVER, port, id, "example.org", 0x8180)); /* once only */
    CHECK_EQ(rig.inside.count, 0);
}

TEST(forged_answers_do_not_get_through_and_do_not_stop_the_right_one)
{
    u64 drops;
    u16 port, id;

    start();
    drops = nat_counters(&rig.nat)->dns_drops;
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER, &port, &id);
    CHECK(answer(RESOLVER, port, (u16)(id + 1), "example.org", 0x8180));
    CHECK(answer(RESOLVER, port ^ 1, id, "example.org", 0x8180));
    CHECK(answer(RESOLVER + 9, port, id, "example.org", 0x8180));
    CHECK(answer(RESOLVER, port, id, "example.com", 0x8180));
    CHECK(answer(RESOLVER, port, id, "example.org", 0x0100));
    CHECK_EQ(rig.inside.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->dns_drops, drops + 5);
    CHECK(answer(RESOLVER, port, id, "example.org", 0x8180));
    CHECK_EQ(rig.inside.count, 1);
}

TEST(ids_and_ports_are_not_the_same_twice_and_a_repeated_query_tries_the_next_server)
{
    u16 port, id, port2, id2;

    start();
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER, &port, &id);
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER2, &port2, &id2);
    CHECK(id != id2);
    CHECK(port != port2);
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER, &port, &id);
    CHECK_EQ(nat_host_find(&rig.nat, guest_mac)->query_count, 1);
}

TEST(an_answer_that_is_late_is_dropped)
{
    u16 port, id;

    start();
    ask_from(4000, 7, "example.org", 1);
    take_query(RESOLVER, &port, &id);
    rig.now_ns += 11 * NS_PER_S;
    CHECK(answer(RESOLVER, port, id, "example.org", 0x8180));
    CHECK_EQ(rig.inside.count, 0);
}

TEST(one_guest_has_so_many_queries_only)
{
    u32 sent = 0;

    start();
    for (u16 i = 0; i < 300; i++) {
        ask_from((u16)(5000 + i), i, "example.org", 1);
        sent += rig.uplink.count;
        rig_flush(&rig.uplink);
    }
    CHECK(nat_host_find(&rig.nat, guest_mac)->query_count <= NAT_QUERIES_HOST);
    CHECK(sent < 300);
    rig.now_ns += 11 * NS_PER_S;
    ask_from(4000, 7, "example.org", 1);
    CHECK_EQ(rig.uplink.count, 1);
}

TEST(without_a_server_the_answer_is_a_failure)
{
    struct nat_uplink none = rig_uplink;
    struct pktbuf *pkt;

    rig_start();
    memset(none.dns, 0, sizeof(none.dns));
    CHECK_EQ(nat_uplink_set(&rig.nat, &none), 0);
    ask_from(4000, 7, "example.org", 1);
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load16(rig_ip(pkt) + 30), 0x8582);
    pktbuf_free(pkt);
}

TEST(dns_over_tcp_goes_to_the_server_in_the_gateways_place)
{
    struct pktbuf *pkt;
    u16 port;

    start();
    rig_from_guest((struct rig_packet){IP_PROTOCOL_TCP, GUEST, GATEWAY, 4001, 53, TCP_SYN, 0});
    pkt = rig_take(&rig.uplink);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 16), RESOLVER);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    port = inet_load16(rig_ip(pkt) + 20);
    pktbuf_free(pkt);
    CHECK(rig_from_outside(
        (struct rig_packet){IP_PROTOCOL_TCP, RESOLVER, HOST, 53, port, TCP_SYN | TCP_ACK, 0}));
    pkt = rig_take(&rig.inside);
    CHECK_EQ(inet_load32(rig_ip(pkt) + 12), GATEWAY);
    CHECK(rig_sums_are_right(rig_ip(pkt)));
    pktbuf_free(pkt);
}

TEST(malformed_queries_are_dropped)
{
    static const struct {
        u8 at, value;
    } lies[] = {{2, 0x80}, {2, 0x28}, {5, 0}, {5, 2}, {12, 0xc0}, {12, 60}, {14, '.'}, {14, 0}};
    u8 m[64], copy[64];
    struct dns_question question;
    char name[DNS_NAME_MAX + 1];
    u32 bytes = write_query(m, 1, "example.org", 1);

    CHECK_EQ(dns_parse_query(m, bytes, &question, name), 0);
    CHECK_STR(name, "example.org");
    for (u32 short_by = 1; short_by <= bytes; short_by++)
        CHECK(dns_parse_query(m, bytes - short_by, &question, name) != 0);
    for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
        memcpy(copy, m, sizeof(copy));
        copy[lies[i].at] = lies[i].value;
        CHECK(dns_parse_query(copy, bytes, &question, name) != 0);
    }
}

TEST(the_longest_name_fits)
{
    char name[DNS_NAME_MAX + 1];
    struct dns_question question;
    u8 m[300] = {0};
    u32 at = 12;

    m[5] = 1;
    for (u32 i = 0; i < 4; i++) {
        u8 label = i == 3 ? 61 : 63;

        m[at] = label;
        memset(m + at + 1, 'a', label);
        at += 1u + label;
    }
    CHECK_EQ(dns_parse_query(m, at + 5, &question, name), 0);
    CHECK_EQ(strlen(name), DNS_NAME_MAX);
    m[12 + 3 * 64] = 62;
    m[at] = 'a';
    CHECK(dns_parse_query(m, at + 6, &question, name) != 0);
}
