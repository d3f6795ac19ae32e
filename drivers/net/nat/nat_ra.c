/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router advertisements: guests make their addresses of the prefix, ask the gateway for names, and
 * send through it only while there is a way out. Spec: RFC 4861 4.2, 4.6, RFC 8106 5.1.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define RA_TYPE           134u
#define RA_HOPS_AT        4u
#define RA_LIFETIME_AT    6u
#define RA_BYTES          16u
#define RA_HOPS           64u
#define ROUTER_LIFETIME_S 1800u
#define AGAIN_NS          (200 * NS_PER_S) /* a few may be lost before that time is over */

#define PREFIX_OPTION      3u
#define PREFIX_ON_LINK     0x80u
#define PREFIX_AUTONOMOUS  0x40u
#define PREFIX_VALID_S     86400u
#define PREFIX_PREFERRED_S 14400u
#define PREFIX_BYTES       32u
#define LINK_OPTION        1u
#define LINK_BYTES         8u
#define MTU_OPTION         5u
#define MTU_BYTES          8u
#define RDNSS_OPTION       25u
#define RDNSS_BYTES        24u

static const struct inet_address all_nodes = {0xff02ull << 48, 1};

static u16 mtu_of(const struct nat *nat)
{
    const struct nat_uplink_v6 *up = &nat->uplink.v6;

    return up->is_up ? (u16)MIN(nat->cfg.mtu, up->mtu) : nat->cfg.mtu;
}

static u8 *put_prefix(u8 *at, struct inet_address gateway)
{
    at[0] = PREFIX_OPTION;
    at[1] = PREFIX_BYTES / 8;
    at[2] = 64;
    at[3] = PREFIX_ON_LINK | PREFIX_AUTONOMOUS;
    inet_store32(at + 4, PREFIX_VALID_S);
    inet_store32(at + 8, PREFIX_PREFERRED_S);
    inet_store64(at + 16, gateway.hi);
    return at + PREFIX_BYTES;
}

static u8 *put_rdnss(u8 *at, struct inet_address gateway)
{
    at[0] = RDNSS_OPTION;
    at[1] = RDNSS_BYTES / 8;
    inet_store32(at + 4, ROUTER_LIFETIME_S);
    inet_store64(at + 8, gateway.hi);
    inet_store64(at + 16, gateway.lo);
    return at + RDNSS_BYTES;
}

static u8 *put_mtu(u8 *at, u16 mtu)
{
    at[0] = MTU_OPTION;
    at[1] = MTU_BYTES / 8;
    inet_store32(at + 4, mtu);
    return at + MTU_BYTES;
}

static u8 *put_link(u8 *at, const u8 mac[6])
{
    at[0] = LINK_OPTION;
    at[1] = LINK_BYTES / 8;
    memcpy(at + 2, mac, 6);
    return at + LINK_BYTES;
}

static void build(const struct nat *nat, struct pktbuf *pkt, struct inet_address dst)
{
    u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES, *ra = ip + IPV6_HEADER_BYTES, *end;

    memset(ra, 0, RA_BYTES + PREFIX_BYTES + RDNSS_BYTES + MTU_BYTES + LINK_BYTES);
    ra[0] = RA_TYPE;
    ra[RA_HOPS_AT] = RA_HOPS;
    inet_store16(ra + RA_LIFETIME_AT, nat->uplink.v6.is_up ? ROUTER_LIFETIME_S : 0);
    end = put_prefix(ra + RA_BYTES, nat->gateway6);
    end = put_rdnss(end, nat->gateway6);
    /* Who has a smaller one has no IPv6. */
    if (mtu_of(nat) >= IPV6_MTU_MIN)
        end = put_mtu(end, mtu_of(nat));
    end = put_link(end, nat->cfg.mac);
    ip_header_write(ip, nat_gateway_for(nat, (struct inet_address){.hi = 0xfe80ull << 48}), dst,
                    IP_PROTOCOL_ICMPV6, (u32)(end - ra));
    ip_checksum(ip);
    pkt->len = (u16)(end - pktbuf_data(pkt));
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}

void nat_ra_answer(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   struct inet_address dst)
{
    build(nat, pkt, dst);
    nat_to_host(nat, host, pkt);
}

void nat_ra_announce(struct nat *nat)
{
    static const u8 all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
    struct pktbuf *pkt = nat->uses_ipv6 ? pktbuf_alloc() : NULL;

    if (!pkt)
        return;
    nat->advertised_ns = nat->now_ns;
    build(nat, pkt, all_nodes);
    nat_ethernet_fill(pkt, all_nodes_mac, nat->cfg.mac);
    nat->ops->to_inside(nat->arg, pkt);
}

void nat_ra_tick(struct nat *nat)
{
    if (nat->now_ns - nat->advertised_ns >= AGAIN_NS)
        nat_ra_announce(nat);
}
