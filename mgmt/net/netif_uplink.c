/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's IPv6 addresses and router, for the guests' NAT. */
#include "mgmt/net/netif_uplink.h"

#include "lwip/netif.h"
#include "lwip/priv/nd6_priv.h"

#include "core/lib/string.h"

_Static_assert(NAT_HOST_V6 >= LWIP_IPV6_NUM_ADDRESSES, "guests reach none of the host's");

static struct inet_address number_of(const ip6_addr_t *ip)
{
    return (struct inet_address){
        .hi = (u64)lwip_ntohl(ip->addr[0]) << 32 | lwip_ntohl(ip->addr[1]),
        .lo = (u64)lwip_ntohl(ip->addr[2]) << 32 | lwip_ntohl(ip->addr[3]),
    };
}

/* One to begin connections with, else one that still serves. */
static const ip6_addr_t *choose_address(const struct netif *lwip)
{
    const ip6_addr_t *valid = NULL;

    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        u8_t state = netif_ip6_addr_state(lwip, i);

        if (!ip6_addr_isvalid(state) || ip6_addr_islinklocal(netif_ip6_addr(lwip, i)))
            continue;
        if (ip6_addr_ispreferred(state))
            return netif_ip6_addr(lwip, i);
        if (!valid)
            valid = netif_ip6_addr(lwip, i);
    }
    return valid;
}

static const ip6_addr_t *choose_router(const struct netif *lwip)
{
    for (u32 i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
        const struct nd6_router_list_entry *router = &default_router_list[i];

        if (router->neighbor_entry && router->neighbor_entry->netif == lwip &&
            router->invalidation_timer > 0)
            return &router->neighbor_entry->next_hop_address;
    }
    return NULL;
}

static bool is_on_link(const struct netif *lwip, const ip6_addr_t *ip)
{
    for (u32 i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
        if (prefix_list[i].netif == lwip && prefix_list[i].invalidation_timer > 0 &&
            ip6_addr_net_zoneless_eq(&prefix_list[i].prefix, ip))
            return true;
    return false;
}

bool netif_uplink_follow_v6(const struct netif *lwip, struct nat_uplink_v6 *known)
{
    const ip6_addr_t *address = choose_address(lwip), *router = choose_router(lwip);
    struct nat_uplink_v6 now;

    memset(&now, 0, sizeof(now)); /* compared with its padding */
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        if (!ip6_addr_isinvalid(netif_ip6_addr_state(lwip, i)))
            now.hosts[i] = number_of(netif_ip6_addr(lwip, i));
    if (address && router) {
        now.is_up = true;
        now.is_on_link = is_on_link(lwip, address);
        now.mtu = lwip->mtu6;
        now.address = number_of(address);
        now.router = number_of(router);
    }
    if (memcmp(&now, known, sizeof(now)) == 0)
        return false;
    memcpy(known, &now, sizeof(now));
    return true;
}
