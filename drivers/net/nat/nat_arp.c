/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARP: the gateway's address inside; neighbours of the uplink outside. Spec: RFC 826.
 *
 * The uplink's table is the NAT's own: lwIP's belongs to another task. Only answers to what was
 * asked change it. Its first entry is the uplink's gateway's, which no scan by a guest drives out.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define ARP_BYTES      28u
#define ARP_OP_AT      6u
#define ARP_SRC_MAC_AT 8u
#define ARP_SRC_IP_AT  14u
#define ARP_DST_MAC_AT 18u
#define ARP_DST_IP_AT  24u
#define ARP_REQUEST    1u
#define ARP_REPLY      2u

#define ASK_AGAIN_NS (1 * NS_PER_S)
#define ASK_TIMES    3u
#define REFRESH_NS   (30 * NS_PER_S) /* ask again while it is in use */
#define VALID_NS     (90 * NS_PER_S)

/* Ethernet, IPv4, lengths 6 and 4. */
static const u8 arp_kind[6] = {0, 1, 8, 0, 6, 4};
static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The ARP message of a frame; NULL if it is none for IPv4, or of somebody else than the sender. */
static u8 *message_of(const struct pktbuf *pkt)
{
    u8 *frame = pktbuf_data(pkt), *arp = frame + ETHERNET_HEADER_BYTES;

    if (pkt->len < ETHERNET_HEADER_BYTES + ARP_BYTES ||
        memcmp(arp, arp_kind, sizeof(arp_kind)) != 0 ||
        memcmp(arp + ARP_SRC_MAC_AT, frame + 6, 6) != 0 || (frame[6] & 1) != 0)
        return NULL;
    return arp;
}

/* Source of the message's fields: the sender; the rest goes to `mac` and `ip`. */
static void fill(struct pktbuf *pkt, u16 op, const u8 src_mac[6], u32 src_ip, const u8 mac[6],
                 u32 ip)
{
    u8 *frame = pktbuf_data(pkt), *arp = frame + ETHERNET_HEADER_BYTES;

    memcpy(frame, mac, 6);
    memcpy(frame + 6, src_mac, 6);
    inet_store16(frame + ETHERNET_TYPE_AT, ETHERNET_TYPE_ARP);
    memcpy(arp, arp_kind, sizeof(arp_kind));
    inet_store16(arp + ARP_OP_AT, op);
    memcpy(arp + ARP_SRC_MAC_AT, src_mac, 6);
    inet_store32(arp + ARP_SRC_IP_AT, src_ip);
    memcpy(arp + ARP_DST_MAC_AT, mac, 6);
    inet_store32(arp + ARP_DST_IP_AT, ip);
    pkt->len = ETHERNET_HEADER_BYTES + ARP_BYTES;
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}

void nat_arp_inside(struct nat *nat, struct pktbuf *pkt)
{
    const u8 *arp = message_of(pkt);
    struct nat_host *host;
    u32 ip;

    if (!arp) {
        nat_drop(pkt, &nat->counters.malformed);
        return;
    }
    host = nat_host_get(nat, arp + ARP_SRC_MAC_AT);
    ip = inet_load32(arp + ARP_SRC_IP_AT);
    if (!host || (ip != 0 && !nat_host_claims(nat, host, ip))) {
        nat_drop(pkt, &nat->counters.spoofed);
        return;
    }
    if (inet_load16(arp + ARP_OP_AT) != ARP_REQUEST ||
        inet_load32(arp + ARP_DST_IP_AT) != nat->cfg.gateway) {
        pktbuf_free(pkt); /* between others */
        return;
    }
    fill(pkt, ARP_REPLY, nat->cfg.mac, nat->cfg.gateway, host->mac, ip);
    nat->ops->to_inside(nat->arg, pkt);
}

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
    fill(pkt, ARP_REQUEST, nat->uplink.mac, nat->uplink.address, broadcast, n->ip);
    memset(pktbuf_data(pkt) + ETHERNET_HEADER_BYTES + ARP_DST_MAC_AT, 0, 6);
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

static struct nat_neighbour *find(struct nat *nat, u32 ip)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++)
        if (nat->neighbours[i].ip == ip)
            return &nat->neighbours[i];
    return NULL;
}

/* The entry of an address, in the place of the one unused for the longest time if need be. */
static struct nat_neighbour *get(struct nat *nat, u32 ip)
{
    struct nat_neighbour *n = find(nat, ip);

    if (!n && ip == nat->uplink.gateway) {
        n = &nat->neighbours[0];
    } else if (!n) {
        n = &nat->neighbours[1];
        for (u32 i = 2; i < NAT_NEIGHBOURS; i++)
            if (nat->neighbours[i].used_ns < n->used_ns)
                n = &nat->neighbours[i];
        reset(nat, n);
    }
    n->ip = ip;
    n->used_ns = nat->now_ns;
    return n;
}

static void send_to(struct nat *nat, struct pktbuf *pkt, const u8 mac[6])
{
    u8 *frame = pktbuf_data(pkt);

    memcpy(frame, mac, 6);
    memcpy(frame + 6, nat->uplink.mac, 6);
    inet_store16(frame + ETHERNET_TYPE_AT, ETHERNET_TYPE_IPV4);
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

void nat_to_uplink(struct nat *nat, struct pktbuf *pkt, u32 dst)
{
    bool is_on_link = ((dst ^ nat->uplink.address) & nat->uplink.netmask) == 0;
    u32 hop = is_on_link ? dst : nat->uplink.gateway;
    struct nat_neighbour *n;

    if (hop == 0) {
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

void nat_arp_uplink(struct nat *nat, const struct pktbuf *pkt)
{
    const u8 *arp = message_of(pkt);
    struct nat_neighbour *n;
    u32 ip;

    if (!arp || inet_load16(arp + ARP_OP_AT) != ARP_REPLY ||
        memcmp(arp + ARP_DST_MAC_AT, nat->uplink.mac, 6) != 0)
        return;
    ip = inet_load32(arp + ARP_SRC_IP_AT);
    n = ip != 0 ? find(nat, ip) : NULL;
    if (!n || n->asked == 0)
        return;
    memcpy(n->mac, arp + ARP_SRC_MAC_AT, 6);
    n->is_known = true;
    n->known_ns = nat->now_ns;
    n->asked = 0;
    for (u32 i = 0; i < NAT_PENDING; i++) {
        if (n->pending[i])
            send_to(nat, n->pending[i], n->mac);
        n->pending[i] = NULL;
    }
}

void nat_neighbours_clear(struct nat *nat)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++)
        reset(nat, &nat->neighbours[i]);
}

void nat_neighbours_tick(struct nat *nat)
{
    for (u32 i = 0; i < NAT_NEIGHBOURS; i++) {
        struct nat_neighbour *n = &nat->neighbours[i];

        if (n->is_known && nat->now_ns - n->known_ns >= VALID_NS)
            reset(nat, n);
        else if (!n->is_known && n->ip != 0 && n->asked >= ASK_TIMES &&
                 nat->now_ns - n->asked_ns >= ASK_AGAIN_NS)
            reset(nat, n);
        else if (!n->is_known && n->ip != 0)
            ask(nat, n);
    }
}
