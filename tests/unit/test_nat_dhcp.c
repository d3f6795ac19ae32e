/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: drivers/net/nat/dhcp.c drivers/net/nat/dns.c drivers/net/nat/ip*.c
 * drivers/net/nat/nat.c drivers/net/nat/nat_[acdfhio]*.c drivers/net/nat/nat_nd.c
 * drivers/net/nat/nat_neighbour.c drivers/net/nat/nat_ra.c drivers/net/inet.c drivers/net/pktbuf.c
 * drivers/net/pktbuf_csum.c core/lib/printf.c core/lib/siphash.c core/lib/str.c tests/fakes/a*t.c
 */
/* The DHCP server seen by clients: first address, renewal, restart, wrong network, hostile ones. */
#include "tests/unit/nat_rig.h"

#include "drivers/net/nat/dhcp.h"

struct ask {
    u8 type;
    u32 client, requested, server;
    const u8 *mac; /* NULL: guest_mac */
    bool wants_broadcast;
};

static struct {
    u8 type;
    u32 ip, dst, lease_s, mask, router, dns, server;
    u16 mtu;
    char host_name[64], domain[80];
} got;

static u32 add_option(u8 *at, u8 code, u32 value, u8 bytes)
{
    if (value == 0)
        return 0;
    at[0] = code;
    at[1] = bytes;
    if (bytes == 1)
        at[2] = (u8)value;
    else
        inet_store32(at + 2, value);
    return 2u + bytes;
}

static struct pktbuf *request(struct ask a)
{
    const u8 *mac = a.mac ? a.mac : guest_mac;
    struct pktbuf *pkt =
        rig_packet(everybody, mac,
                   (struct rig_packet){IP_PROTOCOL_UDP, a.client, 0xffffffffu, 68, 67, 0, 300});
    u8 *m = pktbuf_data(pkt) + 42;
    u32 at = 240;

    memset(m, 0, 300);
    m[0] = 1;
    m[1] = 1;
    m[2] = 6;
    inet_store32(m + 4, 0xabcd1234);
    m[10] = a.wants_broadcast ? 0x80 : 0;
    inet_store32(m + 12, a.client);
    memcpy(m + 28, mac, 6);
    inet_store32(m + 236, 0x63825363);
    at += add_option(m + at, 53, a.type, 1);
    at += add_option(m + at, 50, a.requested, 4);
    at += add_option(m + at, 54, a.server, 4);
    m[at] = 255;
    return pkt;
}

static void read_option(u8 code, const u8 *value, u8 bytes)
{
    switch (code) {
    case 53:
        got.type = value[0];
        break;
    case 51:
        got.lease_s = inet_load32(value);
        break;
    case 1:
        got.mask = inet_load32(value);
        break;
    case 3:
        got.router = inet_load32(value);
        break;
    case 6:
        got.dns = inet_load32(value);
        break;
    case 54:
        got.server = inet_load32(value);
        break;
    case 26:
        got.mtu = inet_load16(value);
        break;
    case 12:
        memcpy(got.host_name, value, bytes);
        break;
    case 15:
        memcpy(got.domain, value, bytes);
        break;
    }
}

static void read_reply(struct pktbuf *pkt)
{
    const u8 *ip = rig_ip(pkt), *m = ip + 28;

    CHECK(rig_sums_are_right(ip));
    CHECK_EQ(inet_load32(ip + 12), GATEWAY);
    CHECK_EQ(inet_load16(ip + 20), 67);
    CHECK_EQ(inet_load16(ip + 22), 68);
    CHECK(pkt->len >= 14 + 28 + 300);
    CHECK_EQ(m[0], 2);
    CHECK_EQ(inet_load32(m + 4), 0xabcd1234);
    got.dst = inet_load32(ip + 16);
    got.ip = inet_load32(m + 16);
    for (u32 at = 240; m[at] != 255; at += 2u + m[at + 1])
        read_option(m[at], m + at + 2, m[at + 1]);
    pktbuf_free(pkt);
}

/* Return: the reply's type, 0 if there was none. */
static u8 send(struct ask a)
{
    struct pktbuf *pkt;

    memset(&got, 0, sizeof(got));
    nat_from_inside(&rig.nat, request(a), rig.now_ns);
    pkt = rig_take(&rig.inside);
    if (pkt)
        read_reply(pkt);
    return got.type;
}

static u32 get_address(const u8 *mac)
{
    CHECK_EQ(send((struct ask){.type = DHCP_DISCOVER, .mac = mac}), DHCP_OFFER);
    CHECK_EQ(send((struct ask){
                 .type = DHCP_REQUEST, .requested = got.ip, .server = GATEWAY, .mac = mac}),
             DHCP_ACK);
    return got.ip;
}

TEST(a_client_gets_an_address_and_all_it_needs)
{
    u32 ip;

    rig_reset();
    CHECK_EQ(nat_host_add(&rig.nat, guest_mac, "web"), 0);
    ip = get_address(guest_mac);
    CHECK(ip >= rig_config.range_first && ip <= rig_config.range_last);
    CHECK_EQ(got.dst, ip);
    CHECK_EQ(got.mask, 0xffffff00u);
    CHECK_EQ(got.router, GATEWAY);
    CHECK_EQ(got.dns, GATEWAY);
    CHECK_EQ(got.server, GATEWAY);
    CHECK_EQ(got.mtu, 1500);
    CHECK_EQ(got.lease_s, 43200);
    CHECK_STR(got.host_name, "web");
    CHECK_STR(got.domain, "default.internal");
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), ip);
    send((struct ask){.type = DHCP_DISCOVER, .wants_broadcast = true});
    CHECK_EQ(got.dst, 0xffffffffu);
}

TEST(the_same_mac_gets_the_same_address_after_everything_was_forgotten)
{
    u32 a, b;

    rig_reset();
    a = get_address(guest_mac);
    b = get_address(guest2_mac);
    CHECK(a != b);
    rig_reset();
    CHECK_EQ(get_address(guest2_mac), b);
    CHECK_EQ(get_address(guest_mac), a);
}

TEST(renewal_and_restart_keep_the_address)
{
    u32 ip;

    rig_reset();
    ip = get_address(guest_mac);
    rig.now_ns += 40000 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .client = ip}), DHCP_ACK);
    CHECK_EQ(got.dst, ip);
    CHECK_EQ(got.ip, ip);
    rig.now_ns += 40000 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), ip);
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .requested = ip}), DHCP_ACK);
    rig.now_ns += 43201 * NS_PER_S;
    nat_tick(&rig.nat, rig.now_ns);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), 0);
}

TEST(a_host_that_restarted_learns_its_clients_addresses_again)
{
    rig_reset();
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .client = GATEWAY + 150}), DHCP_ACK);
    CHECK_EQ(got.ip, GATEWAY + 150);
    CHECK_EQ(
        send((struct ask){.type = DHCP_REQUEST, .requested = GATEWAY + 150, .mac = guest2_mac}),
        DHCP_NAK);
}

TEST(a_wrong_address_is_refused)
{
    rig_reset();
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .requested = 0x0a000005u}), DHCP_NAK);
    CHECK_EQ(got.dst, 0xffffffffu);
    CHECK_EQ(got.ip, 0);
    CHECK_EQ(got.lease_s, 0);
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .requested = GATEWAY}), DHCP_NAK);
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST, .requested = GUEST}), DHCP_NAK);
    CHECK_EQ(send((struct ask){.type = DHCP_REQUEST}), DHCP_NAK);
}

TEST(another_servers_client_is_left_alone)
{
    rig_reset();
    CHECK_EQ(send((struct ask){.type = DHCP_DISCOVER}), DHCP_OFFER);
    CHECK_EQ(
        send((struct ask){.type = DHCP_REQUEST, .requested = GATEWAY + 3, .server = GATEWAY + 2}),
        0);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), 0);
}

TEST(release_frees_and_decline_avoids)
{
    u32 ip;

    rig_reset();
    ip = get_address(guest_mac);
    CHECK_EQ(send((struct ask){.type = DHCP_RELEASE, .client = ip}), 0);
    CHECK_EQ(nat_host_address(&rig.nat, guest_mac), 0);
    CHECK_EQ(get_address(guest_mac), ip);
    CHECK_EQ(send((struct ask){.type = DHCP_DECLINE, .requested = ip, .server = GATEWAY}), 0);
    CHECK(get_address(guest_mac) != ip);
    CHECK_EQ(send((struct ask){.type = DHCP_DISCOVER, .requested = ip, .mac = guest2_mac}),
             DHCP_OFFER);
    CHECK(got.ip != ip);
}

TEST(inform_gets_settings_without_an_address)
{
    rig_reset();
    CHECK_EQ(send((struct ask){.type = DHCP_INFORM, .client = GUEST}), DHCP_ACK);
    CHECK_EQ(got.ip, 0);
    CHECK_EQ(got.lease_s, 0);
    CHECK_EQ(got.router, GATEWAY);
    CHECK_EQ(got.dst, GUEST);
}

TEST(an_address_somebody_uses_is_not_given)
{
    u32 ip;

    rig_reset();
    ip = get_address(guest_mac);
    CHECK_EQ(send((struct ask){.type = DHCP_RELEASE, .client = ip}), 0);
    nat_from_inside(&rig.nat,
                    rig_packet(gateway_mac, guest2_mac,
                               (struct rig_packet){IP_PROTOCOL_UDP, ip, SERVER, 1, 2, 0, 0}),
                    rig.now_ns);
    CHECK(get_address(guest_mac) != ip);
}

TEST(a_full_range_offers_nothing)
{
    rig_reset();
    for (u32 i = 0; i < 100; i++) {
        u8 mac[6] = {2, 9, 9, 9, 9, (u8)i};

        CHECK(get_address(mac) != 0);
    }
    CHECK_EQ(send((struct ask){.type = DHCP_DISCOVER}), 0);
    CHECK_EQ(nat_counters(&rig.nat)->dhcp_drops, 1);
}

TEST(one_nic_cannot_ask_for_others)
{
    struct pktbuf *pkt;

    rig_reset();
    pkt = request((struct ask){.type = DHCP_DISCOVER});
    pktbuf_data(pkt)[42 + 28 + 5]++;
    nat_from_inside(&rig.nat, pkt, rig.now_ns);
    CHECK_EQ(rig.inside.count, 0);
    CHECK_EQ(nat_counters(&rig.nat)->dhcp_drops, 1);
}

TEST(relays_and_malformed_requests_are_dropped)
{
    static const struct {
        u16 at;
        u8 value;
    } lies[] = {{0, 2},   {1, 6},   {2, 16},   {24, 10},  {236, 0},
                {241, 2}, {242, 0}, {242, 99}, {241, 200}};

    rig_reset();
    for (u32 i = 0; i < ARRAY_SIZE(lies); i++) {
        struct pktbuf *pkt = request((struct ask){.type = DHCP_DISCOVER});

        pktbuf_data(pkt)[42 + lies[i].at] = lies[i].value;
        nat_from_inside(&rig.nat, pkt, rig.now_ns);
        CHECK_EQ(nat_counters(&rig.nat)->dhcp_drops, i + 1);
    }
    CHECK_EQ(rig.inside.count, 0);
}

TEST(options_that_end_early_are_refused)
{
    u8 message[244] = {1, 1, 6};
    struct dhcp_request out;

    inet_store32(message + 236, 0x63825363);
    message[240] = 53;
    for (u32 bytes = 0; bytes < 243; bytes++)
        CHECK(dhcp_parse(message, bytes, &out) != 0);
    message[241] = 1;
    message[242] = DHCP_DISCOVER;
    message[243] = 53; /* a code without a length */
    CHECK_EQ(dhcp_parse(message, 243, &out), 0);
    CHECK(dhcp_parse(message, 244, &out) != 0);
}

TEST(long_names_do_not_overflow_a_reply)
{
    u8 out[DHCP_REPLY_MAX];
    char name[256];

    memset(name, 'a', 255);
    name[255] = '\0';
    CHECK(
        dhcp_build(
            &(struct dhcp_reply){.type = DHCP_ACK, .lease_s = 1, .host_name = name, .domain = name},
            out) <= DHCP_REPLY_MAX);
}
