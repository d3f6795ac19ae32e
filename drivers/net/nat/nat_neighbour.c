/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbours of the uplink: their MACs, and frames that wait for them.
 *
 * The table is the NAT's own: lwIP's belongs to another task. Only answers to what was asked change
 * it. Its first entries are the routers', which no scan by a guest drives out.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define ENTRY_GATEWAY 0u /* IPv4's */
#define ENTRY_ROUTER  1u /* IPv6's */
#define ENTRY_OTHERS  2u

#define ASK_AGAIN_NS (1 * NS_PER_S)
#define ASK_TIMES    3u
#define REFRESH_NS   (30 * NS_PER_S) /* ask again while it is in use */
#define VALID_NS     (90 * NS_PER_S)

static void ask(struct nat *nat, struct nat_neighbour *n)
{
    struct pktbuf *pkt;

    if (n->asked != 0 && nat->now_ns - n->asked_ns < ASK_AGAIN_NS)
        return;
    pkt = pktbuf_alloc();
    if (!pkt)
        return;
    n->asked_ns = nat->now_ns;
    n->asked++;
    if (inet_is_v4(n->ip))
        nat_arp_ask(nat, pkt, inet_v4_of(n->ip));
    else
        nat_nd_ask(nat, pkt, n->ip);
    nat->ops->to_uplink(nat->arg, pkt);
}

static void drop_pending(struct nat *nat, struct nat_neighbour *n)
{
    for (u32 i = 0; i < NAT_PENDING; i++) {
        if (n->pending[i])
            nat_drop(n->pending[i], &nat->counters.no_uplink);
        n->pending[i] = NULL;
    }
}

static void reset(struct nat *nat, struct nat_neighbour *n)
{
    drop_pending(nat, n);
    *n = (struct nat_neighbour){0};
}

static struct nat_neighbour *find(struct nat *nat, struct inet_address ip)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++)
        if (inet_same(nat->neighbours[i].ip, ip))
            return &nat->neighbours[i];
    return NULL;
}

static struct nat_neighbour *least_used(struct nat *nat)
{
    struct nat_neighbour *n = &nat->neighbours[ENTRY_OTHERS];

    for (u32 i = ENTRY_OTHERS + 1; i < NAT_NEIGHBOURS; i++)
        if (nat->neighbours[i].used_ns < n->used_ns)
            n = &nat->neighbours[i];
    return n;
}

/* The entry of an address, in the place of the one unused for the longest time if need be. */
static struct nat_neighbour *get(struct nat *nat, struct inet_address ip)
{
    struct nat_neighbour *n = find(nat, ip);

    if (!n) {
        if (inet_same(ip, inet_v4(nat->uplink.gateway)))
            n = &nat->neighbours[ENTRY_GATEWAY];
        else if (inet_same(ip, nat->uplink.v6.router))
            n = &nat->neighbours[ENTRY_ROUTER];
        else
            n = least_used(nat);
        reset(nat, n);
    }
    n->ip = ip;
    n->used_ns = nat->now_ns;
    return n;
}

static void send_to(struct nat *nat, struct pktbuf *pkt, const u8 mac[6])
{
    nat_ethernet_fill(pkt, mac, nat->uplink.mac);
    nat->ops->to_uplink(nat->arg, pkt);
}

/* Waits for the answer, in the place of the oldest that waits. */
static void pend(struct nat *nat, struct nat_neighbour *n, struct pktbuf *pkt)
{
    u32 i = 0;

    while (i < NAT_PENDING && n->pending[i])
        i++;
    if (i == NAT_PENDING) {
        nat_drop(n->pending[0], &nat->counters.no_uplink);
        memmove(n->pending, n->pending + 1, (NAT_PENDING - 1) * sizeof(n->pending[0]));
        i--;
    }
    n->pending[i] = pkt;
}

/* The neighbour a packet goes to; none if there is no gateway to where it shall go. */
static struct inet_address next_hop(const struct nat *nat, struct inet_address dst)
{
    const struct nat_uplink *up = &nat->uplink;

    if (!inet_is_v4(dst))
        return up->v6.is_on_link && dst.hi == up->v6.address.hi ? dst : up->v6.router;
    if (((inet_v4_of(dst) ^ up->address) & up->netmask) == 0)
        return dst;
    return up->gateway != 0 ? inet_v4(up->gateway) : (struct inet_address){0};
}

void nat_to_uplink(struct nat *nat, struct pktbuf *pkt, struct inet_address dst)
{
    struct inet_address hop = next_hop(nat, dst);
    struct nat_neighbour *n;

    if (inet_is_none(hop)) {
        nat_drop(pkt, &nat->counters.no_uplink);
        return;
    }
    n = get(nat, hop);
    if (!n->is_known) {
        pend(nat, n, pkt);
        ask(nat, n);
        return;
    }
    send_to(nat, pkt, n->mac);
    if (nat->now_ns - n->known_ns >= REFRESH_NS)
        ask(nat, n);
}

void nat_neighbour_learn(struct nat *nat, struct inet_address ip, const u8 mac[6])
{
    struct nat_neighbour *n = inet_is_none(ip) ? NULL : find(nat, ip);

    if (!n || n->asked == 0)
        return;
    memcpy(n->mac, mac, sizeof(n->mac));
    n->is_known = true;
    n->known_ns = nat->now_ns;
    n->asked = 0;
    for (u32 i = 0; i < NAT_PENDING; i++) {
        if (n->pending[i])
            send_to(nat, n->pending[i], n->mac);
        n->pending[i] = NULL;
    }
}

void nat_neighbours_clear(struct nat *nat, bool is_ipv6)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++)
        if (inet_is_v4(nat->neighbours[i].ip) != is_ipv6)
            reset(nat, &nat->neighbours[i]);
}

void nat_neighbours_tick(struct nat *nat)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++) {
        struct nat_neighbour *n = &nat->neighbours[i];

        if (inet_is_none(n->ip))
            continue;
        if (n->is_known && nat->now_ns - n->known_ns >= VALID_NS)
            reset(nat, n);
        else if (!n->is_known && n->asked >= ASK_TIMES && nat->now_ns - n->asked_ns >= ASK_AGAIN_NS)
            reset(nat, n);
        else if (!n->is_known)
            ask(nat, n);
    }
}
