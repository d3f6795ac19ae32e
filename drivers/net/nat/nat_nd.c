/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery: the gateway's addresses inside; neighbours of the uplink outside. No
 * redirects, and no advertisement that nobody asked for, is listened to. Spec: RFC 4861 4, 7.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_csum.h"

#define ND_ROUTER_SOLICITATION 133u
#define ND_SOLICITATION        135u
#define ND_ADVERTISEMENT       136u
#define ND_HOPS                255u /* it comes from this link */

#define ND_FLAGS_AT        4u
#define ND_FLAG_ROUTER     0x80u
#define ND_FLAG_SOLICITED  0x40u
#define ND_FLAG_OVERRIDE   0x20u
#define ND_TARGET_AT       8u
#define ND_BYTES           24u /* with a target, without options */
#define ND_ROUTER_BYTES    8u  /* a solicitation of routers' */
#define ND_OPTION_SOURCE   1u
#define ND_OPTION_TARGET   2u
#define ND_LINK_ADDRESS_AT 2u /* in an option of 8 bytes */
#define ND_OPTION_BYTES    8u

static const struct inet_address all_nodes = {0xff02ull << 48, 1};

static struct inet_address target_of(const u8 *nd)
{
    return (struct inet_address){inet_load64(nd + ND_TARGET_AT),
                                 inet_load64(nd + ND_TARGET_AT + 8)};
}

/* Options' lengths are right. The link address in the first of this type, else NULL. */
static bool read_options(const struct ip_view *view, u32 at, u8 type, const u8 **link)
{
    *link = NULL;
    while (at < view->l4_bytes) {
        const u8 *option = view->l4 + at;
        u32 bytes;

        if (at + ND_OPTION_BYTES > view->l4_bytes || option[1] == 0)
            return false;
        bytes = option[1] * ND_OPTION_BYTES;
        if (at + bytes > view->l4_bytes)
            return false;
        if (option[0] == type && !*link)
            *link = option + ND_LINK_ADDRESS_AT;
        at += bytes;
    }
    return true;
}

/* Spec: RFC 4861 6.1.1, 7.1. */
static bool is_good(const struct ip_view *view, u32 bytes_min)
{
    return ip_hops(view) == ND_HOPS && view->l4[1] == 0 && view->l4_bytes >= bytes_min &&
           ip_icmp_is_intact(view);
}

/* Makes the packet one of neighbour discovery with a link address as its option. */
static void fill(struct pktbuf *pkt, u8 type, struct inet_address target, const u8 mac[6])
{
    u8 *nd = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES;

    memset(nd, 0, ND_BYTES);
    nd[0] = type;
    inet_store64(nd + ND_TARGET_AT, target.hi);
    inet_store64(nd + ND_TARGET_AT + 8, target.lo);
    nd[ND_BYTES] = type == ND_SOLICITATION ? ND_OPTION_SOURCE : ND_OPTION_TARGET;
    nd[ND_BYTES + 1] = 1;
    memcpy(nd + ND_BYTES + ND_LINK_ADDRESS_AT, mac, 6);
}

static void finish(struct pktbuf *pkt, struct inet_address src, struct inet_address dst)
{
    u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;

    ip_header_write(ip, src, dst, IP_PROTOCOL_ICMPV6, ND_BYTES + ND_OPTION_BYTES);
    ip_checksum(ip);
    pkt->len = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + ND_BYTES + ND_OPTION_BYTES;
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}

/* One that is trying the address out hears of it, too. Spec: RFC 4861 7.2.4. */
static void advertise(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                      struct inet_address asker, struct inet_address target)
{
    bool is_known = !inet_is_none(asker);
    u8 *nd = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES;

    fill(pkt, ND_ADVERTISEMENT, target, nat->cfg.mac);
    nd[ND_FLAGS_AT] = ND_FLAG_ROUTER | ND_FLAG_OVERRIDE | (is_known ? ND_FLAG_SOLICITED : 0);
    finish(pkt, target, is_known ? asker : all_nodes);
    nat_to_host(nat, host, pkt);
}

void nat_nd_inside(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    bool is_router_wanted = view->l4[0] == ND_ROUTER_SOLICITATION;
    struct nat_host *host;
    const u8 *link;

    if (!is_router_wanted && view->l4[0] != ND_SOLICITATION) {
        pktbuf_free(pkt); /* between others, or of groups */
        return;
    }
    pktbuf_csum_complete(pkt);
    if (!is_good(view, is_router_wanted ? ND_ROUTER_BYTES : ND_BYTES) ||
        !read_options(view, is_router_wanted ? ND_ROUTER_BYTES : ND_BYTES, ND_OPTION_SOURCE,
                      &link)) {
        nat_drop(pkt, &nat->counters.malformed);
        return;
    }
    host = nat_host_get(nat, pktbuf_data(pkt) + 6);
    if (!host || (!inet_is_none(view->src) && !nat_host_claims(nat, host, view->src))) {
        nat_drop(pkt, &nat->counters.spoofed);
        return;
    }
    nat->uses_ipv6 = true;
    if (is_router_wanted)
        nat_ra_answer(nat, host, pkt, inet_is_none(view->src) ? all_nodes : view->src);
    else if (nat_is_gateway(nat, target_of(view->l4)))
        advertise(nat, host, pkt, view->src, target_of(view->l4));
    else
        pktbuf_free(pkt); /* between others */
}

void nat_nd_uplink(struct nat *nat, const struct ip_view *view)
{
    const u8 *link;

    if (view->l4[0] == ND_ADVERTISEMENT && is_good(view, ND_BYTES) &&
        read_options(view, ND_BYTES, ND_OPTION_TARGET, &link) && link && (link[0] & 1) == 0)
        nat_neighbour_learn(nat, target_of(view->l4), link);
}

/* To the group of those whose address ends as this one. Spec: RFC 4291 2.7.1. */
void nat_nd_ask(struct nat *nat, struct pktbuf *pkt, struct inet_address ip)
{
    struct inet_address group = {0xff02ull << 48, 0x1ff000000ull | (ip.lo & 0xffffff)};
    const u8 mac[6] = {0x33, 0x33, 0xff, (u8)(ip.lo >> 16), (u8)(ip.lo >> 8), (u8)ip.lo};

    fill(pkt, ND_SOLICITATION, ip, nat->uplink.mac);
    finish(pkt, nat->uplink.v6.address, group);
    nat_ethernet_fill(pkt, mac, nat->uplink.mac);
}
