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

int nat_init(struct nat *nat, const struct nat_config *cfg, const struct nat_ops *ops, void *arg)
{
    if (!config_is_good(cfg))
        return -EINVAL;
    nat->cfg = *cfg;
    nat->ops = ops;
    nat->arg = arg;
    nat->netmask = mask_of(cfg->prefix_bits);
    nat->icmp_tokens = NAT_ICMP_BURST;
    nat_conn_init(nat);
    return 0;
}

void nat_fini(struct nat *nat)
{
    nat_neighbours_clear(nat);
}

u64 nat_random(struct nat *nat)
{
    return siphash_words(&nat->cfg.secret, nat->randoms++, ~0ull);
}

bool nat_is_inside(const struct nat *nat, u32 ip)
{
    return ((ip ^ nat->cfg.gateway) & nat->netmask) == 0;
}

void nat_drop(struct pktbuf *pkt, u64 *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
    pktbuf_free(pkt);
}

void nat_to_host(struct nat *nat, const struct nat_host *host, struct pktbuf *pkt)
{
    u8 *frame = pktbuf_data(pkt);

    memcpy(frame, host->mac, sizeof(host->mac));
    memcpy(frame + 6, nat->cfg.mac, sizeof(nat->cfg.mac));
    inet_store16(frame + ETHERNET_TYPE_AT, ETHERNET_TYPE_IPV4);
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

static void end_all(struct nat *nat)
{
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used)
            nat_host_clear(nat, &nat->hosts[i]);
    nat_neighbours_clear(nat);
}

static bool overlaps(const struct nat *nat, const struct nat_uplink *uplink)
{
    u32 mask = nat->netmask & uplink->netmask;

    return ((uplink->address ^ nat->cfg.gateway) & mask) == 0;
}

int nat_uplink_set(struct nat *nat, const struct nat_uplink *uplink)
{
    bool is_same = uplink->is_up && nat->uplink.is_up && uplink->address == nat->uplink.address &&
                   uplink->netmask == nat->uplink.netmask &&
                   uplink->gateway == nat->uplink.gateway &&
                   memcmp(uplink->mac, nat->uplink.mac, sizeof(uplink->mac)) == 0;

    if (!is_same)
        end_all(nat);
    nat->uplink = *uplink;
    if (!uplink->is_up || !overlaps(nat, uplink))
        return 0;
    nat->uplink.is_up = false;
    return -EINVAL;
}

static void end_lease(struct nat *nat, struct nat_host *host)
{
    if (host->lease_end_ns == 0 || nat->now_ns < host->lease_end_ns)
        return;
    nat_host_clear(nat, host);
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
}

const struct nat_counters *nat_counters(const struct nat *nat)
{
    return &nat->counters;
}

u32 nat_connection_count(const struct nat *nat)
{
    return nat->conn_count;
}
