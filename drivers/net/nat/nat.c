/* SPDX-License-Identifier: BSD-2-Clause */
/* A NAT's set-up, its uplink, its ticks, and what all its parts share. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define PREFIX_BITS_MIN  8u
#define PREFIX_BITS_MAX  30u
#define PORT_COUNT_MIN   1024u
#define INSIDE_MTU_MIN   576u
#define TICK_CONNECTIONS 512u /* at most so many end in one tick */

/* Spec: RFC 4193 3.1: fd00::/8, 40 bits that are ours alone, 16 of a subnet. */
#define ULA_PREFIX      (0xfdull << 56)
#define ULA_GLOBAL_MASK (BIT(40) - 1)
#define LINK_LOCAL      (0xfe80ull << 48)

/* The prefix is the same after every boot and on every host. */
static const struct siphash_key fixed_key = {{0, 6}};

size_t nat_bytes(void)
{
    return sizeof(struct nat);
}

static u32 mask_of(u8 bits)
{
    return ~0u << (32 - bits);
}

static bool is_address_of(u32 ip, u32 gateway, u32 netmask)
{
    return ((ip ^ gateway) & netmask) == 0 && (ip & ~netmask) != 0 && (ip | netmask) != ~0u;
}

static bool config_is_good(const struct nat_config *cfg)
{
    u32 mask;

    if (cfg->prefix_bits < PREFIX_BITS_MIN || cfg->prefix_bits > PREFIX_BITS_MAX ||
        cfg->mtu < INSIDE_MTU_MIN)
        return false;
    mask = mask_of(cfg->prefix_bits);
    return is_address_of(cfg->gateway, cfg->gateway, mask) &&
           is_address_of(cfg->range_first, cfg->gateway, mask) &&
           is_address_of(cfg->range_last, cfg->gateway, mask) &&
           cfg->range_first <= cfg->range_last && cfg->port_first >= NAT_PORT_LOW &&
           cfg->port_count >= PORT_COUNT_MIN &&
           (u32)cfg->port_first + cfg->port_count - 1 <= NAT_PORT_HIGH;
}

/* By name and subnet: a network of the same name in a nested host has another subnet. */
static u64 ula_prefix(const struct nat_config *cfg)
{
    u64 name = siphash(&fixed_key, cfg->network, strnlen(cfg->network, sizeof(cfg->network)));

    return ULA_PREFIX | (siphash_words(&fixed_key, name, cfg->gateway) & ULA_GLOBAL_MASK) << 16;
}

int nat_init(struct nat *nat, const struct nat_config *cfg, const struct nat_ops *ops, void *arg)
{
    if (!config_is_good(cfg))
        return -EINVAL;
    nat->cfg = *cfg;
    nat->ops = ops;
    nat->arg = arg;
    nat->netmask = mask_of(cfg->prefix_bits);
    nat->gateway6 = (struct inet_address){.hi = ula_prefix(cfg), .lo = 1};
    nat->icmp_tokens = NAT_ICMP_BURST;
    nat_conn_init(nat);
    return 0;
}

void nat_fini(struct nat *nat)
{
    nat_neighbours_clear(nat, false);
    nat_neighbours_clear(nat, true);
}

u64 nat_random(struct nat *nat)
{
    return siphash_words(&nat->cfg.secret, nat->randoms++, ~0ull);
}

bool nat_is_inside(const struct nat *nat, struct inet_address ip)
{
    if (!inet_is_v4(ip))
        return ip.hi == nat->gateway6.hi;
    return ((inet_v4_of(ip) ^ nat->cfg.gateway) & nat->netmask) == 0;
}

struct inet_address nat_gateway_for(const struct nat *nat, struct inet_address ip)
{
    if (inet_is_v4(ip))
        return inet_v4(nat->cfg.gateway);
    return inet_is_link_local_v6(ip) ? (struct inet_address){.hi = LINK_LOCAL, .lo = 1}
                                     : nat->gateway6;
}

bool nat_is_gateway(const struct nat *nat, struct inet_address ip)
{
    return inet_same(ip, nat_gateway_for(nat, ip));
}

struct inet_address nat_outside(const struct nat *nat, bool is_ipv6)
{
    const struct nat_uplink *up = &nat->uplink;

    if (is_ipv6)
        return up->v6.is_up ? up->v6.address : (struct inet_address){0};
    return up->is_up ? inet_v4(up->address) : (struct inet_address){0};
}

u16 nat_outside_mtu(const struct nat *nat, bool is_ipv6)
{
    return is_ipv6 ? nat->uplink.v6.mtu : nat->uplink.mtu;
}

void nat_drop(struct pktbuf *pkt, u64 *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
    pktbuf_free(pkt);
}

void nat_ethernet_fill(struct pktbuf *pkt, const u8 dst[6], const u8 src[6])
{
    u8 *frame = pktbuf_data(pkt);
    bool is_ipv6 = frame[ETHERNET_HEADER_BYTES] >> 4 == 6;

    memcpy(frame, dst, 6);
    memcpy(frame + 6, src, 6);
    inet_store16(frame + ETHERNET_TYPE_AT, is_ipv6 ? ETHERNET_TYPE_IPV6 : ETHERNET_TYPE_IPV4);
}

void nat_to_host(struct nat *nat, const struct nat_host *host, struct pktbuf *pkt)
{
    nat_ethernet_fill(pkt, host->mac, nat->cfg.mac);
    nat->ops->to_inside(nat->arg, pkt);
}

/* A quarter of the ports is for DNS, whose forwarder needs them to be hard to guess. */
u32 nat_dns_port_count(const struct nat *nat)
{
    return ALIGN_DOWN(nat->cfg.port_count / 4u, NAT_QUERIES);
}

u32 nat_dns_port_first(const struct nat *nat)
{
    return nat->cfg.port_first + nat->cfg.port_count - nat_dns_port_count(nat);
}

static void end_family(struct nat *nat, bool is_ipv6)
{
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used)
            nat_host_clear_family(nat, &nat->hosts[i], is_ipv6);
    nat_neighbours_clear(nat, is_ipv6);
}

static bool is_same_v4(const struct nat_uplink *a, const struct nat_uplink *b)
{
    return a->is_up && b->is_up && a->address == b->address && a->netmask == b->netmask &&
           a->gateway == b->gateway && memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static bool is_same_v6(const struct nat_uplink *a, const struct nat_uplink *b)
{
    return a->v6.is_up && b->v6.is_up && inet_same(a->v6.address, b->v6.address) &&
           memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static bool overlaps(const struct nat *nat, const struct nat_uplink *uplink)
{
    u32 mask = nat->netmask & uplink->netmask;

    return ((uplink->address ^ nat->cfg.gateway) & mask) == 0;
}

/* Guests must not prefer IPv6 while it leads nowhere, nor do without it when it does. */
static void announce(struct nat *nat, const struct nat_uplink *before)
{
    if (nat->uplink.v6.is_up != before->v6.is_up ||
        (nat->uplink.v6.is_up && nat->uplink.v6.mtu != before->v6.mtu))
        nat_ra_announce(nat);
}

int nat_uplink_set(struct nat *nat, const struct nat_uplink *uplink)
{
    struct nat_uplink before = nat->uplink;
    int rc = 0;

    if (!is_same_v4(&before, uplink))
        end_family(nat, false);
    if (!is_same_v6(&before, uplink))
        end_family(nat, true);
    nat->uplink = *uplink;
    if (uplink->is_up && overlaps(nat, uplink)) {
        nat->uplink.is_up = false;
        rc = -EINVAL;
    }
    if (uplink->v6.is_up && nat_is_inside(nat, uplink->v6.address)) {
        nat->uplink.v6.is_up = false;
        rc = -EINVAL;
    }
    announce(nat, &before);
    return rc;
}

static void end_lease(struct nat *nat, struct nat_host *host)
{
    if (host->lease_end_ns == 0 || nat->now_ns < host->lease_end_ns)
        return;
    nat_host_clear(nat, host, inet_v4(host->ip));
    host->ip = 0;
    host->lease_end_ns = 0;
}

void nat_tick(struct nat *nat, u64 now_ns)
{
    u32 budget = TICK_CONNECTIONS;

    nat->now_ns = now_ns;
    for (u32 i = 0; i < NAT_HOSTS && budget > 0; i++) {
        struct nat_host *host = &nat->hosts[nat->tick_host];

        nat->tick_host = (nat->tick_host + 1) % NAT_HOSTS;
        if (!host->is_used)
            continue;
        nat_conn_expire(nat, host, &budget);
        end_lease(nat, host);
    }
    nat_neighbours_tick(nat);
    nat_ra_tick(nat);
}

const struct nat_counters *nat_counters(const struct nat *nat)
{
    return &nat->counters;
}

u32 nat_connection_count(const struct nat *nat)
{
    return nat->conn_count;
}
