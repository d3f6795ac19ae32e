/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DHCP server: one address per MAC, the same whenever it asks, as long as nobody else took it.
 *
 * A lease is the NIC's entry; nothing else is kept, so a flood of requests from one NIC costs one
 * entry. A request must come from the MAC it is for. Spec: RFC 2131 4.3.
 */
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/nat/dhcp.h"
#include "drivers/net/nat/nat_impl.h"

#define LEASE_S     43200u
#define OFFER_NS    (60 * NS_PER_S)  /* an address offered is kept so long for the request */
#define DECLINED_NS (600 * NS_PER_S) /* an address somebody else answered for is avoided */
#define PORT_CLIENT 68u
#define PORT_SERVER 67u
#define BROADCAST   0xffffffffu

/* A choice that is the same after every boot, unlike those under the NAT's secret. */
static const struct siphash_key fixed_key = {{0, 0}};

static bool is_declined(const struct nat *nat, u32 ip)
{
    for (u32 i = 0; i < NAT_DECLINED; i++)
        if (nat->declined[i].ip == ip && nat->now_ns < nat->declined[i].until_ns)
            return true;
    return false;
}

static bool may_have(struct nat *nat, const struct nat_host *host, u32 ip)
{
    const struct nat_host *other;

    if (ip < nat->cfg.range_first || ip > nat->cfg.range_last || ip == nat->cfg.gateway ||
        is_declined(nat, ip))
        return false;
    other = nat_host_by_ip(nat, ip);
    return !other || other == host;
}

/* The address for this NIC: what it has, what it asks for, or by its MAC. Return: 0 if none is
 * free. */
static u32 choose(struct nat *nat, const struct nat_host *host, u32 wanted)
{
    u32 count = nat->cfg.range_last - nat->cfg.range_first + 1;
    u64 start = siphash(&fixed_key, host->mac, sizeof(host->mac)) + host->declines;

    if (host->ip != 0 && may_have(nat, host, host->ip))
        return host->ip;
    if (wanted != 0 && may_have(nat, host, wanted))
        return wanted;
    /* At most NAT_HOSTS are taken, the gateway's and those declined. */
    for (u32 i = 0; i < MIN(count, NAT_HOSTS + NAT_DECLINED + 1); i++) {
        u32 ip = nat->cfg.range_first + (u32)((start + i) % count);

        if (may_have(nat, host, ip))
            return ip;
    }
    return 0;
}

static void lease(struct nat *nat, struct nat_host *host, u32 ip, u64 duration_ns)
{
    if (host->ip != ip)
        nat_host_clear(nat, host, inet_v4(host->ip));
    host->ip = ip;
    host->lease_end_ns = nat->now_ns + duration_ns;
}

static void unlease(struct nat *nat, struct nat_host *host)
{
    nat_host_clear(nat, host, inet_v4(host->ip));
    host->ip = 0;
    host->lease_end_ns = 0;
}

/* Return: the reply's type, 0 for none. Spec: RFC 2131 4.3.2 "DHCPREQUEST message". */
static u8 answer_request(struct nat *nat, struct nat_host *host, const struct dhcp_request *request)
{
    u32 ip = request->requested ? request->requested : request->client;

    if (request->server != 0 && request->server != nat->cfg.gateway) {
        /* It took another server's offer. */
        unlease(nat, host);
        return 0;
    }
    if (ip == 0 || choose(nat, host, ip) != ip)
        return DHCP_NAK;
    lease(nat, host, ip, LEASE_S * NS_PER_S);
    return DHCP_ACK;
}

static void decline(struct nat *nat, struct nat_host *host, u32 ip)
{
    if (ip == 0 || ip != host->ip)
        return;
    nat->declined[nat->declined_next].ip = ip;
    nat->declined[nat->declined_next].until_ns = nat->now_ns + DECLINED_NS;
    nat->declined_next = (nat->declined_next + 1) % NAT_DECLINED;
    unlease(nat, host);
    host->declines++;
}

static u8 answer_discover(struct nat *nat, struct nat_host *host,
                          const struct dhcp_request *request)
{
    u32 ip = choose(nat, host, request->requested);

    if (ip == 0)
        return 0;
    /* Who asks anew may still use its lease: an offer does not shorten it. */
    if (host->ip != ip || host->lease_end_ns < nat->now_ns + OFFER_NS)
        lease(nat, host, ip, OFFER_NS);
    return DHCP_OFFER;
}

static u8 answer(struct nat *nat, struct nat_host *host, const struct dhcp_request *request)
{
    switch (request->type) {
    case DHCP_DISCOVER:
        return answer_discover(nat, host, request);
    case DHCP_REQUEST:
        return answer_request(nat, host, request);
    case DHCP_DECLINE:
        decline(nat, host, request->requested);
        return 0;
    case DHCP_RELEASE:
        if (request->client == host->ip)
            unlease(nat, host);
        return 0;
    case DHCP_INFORM:
        return DHCP_ACK;
    default:
        return 0;
    }
}

static u16 mtu_of(const struct nat *nat)
{
    return nat->uplink.is_up ? (u16)MIN(nat->cfg.mtu, nat->uplink.mtu) : nat->cfg.mtu;
}

static void send_reply(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                       const struct dhcp_request *request, u8 type)
{
    u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES, *udp = ip + IPV4_HEADER_BYTES;
    bool is_lease = type != DHCP_NAK && request->type != DHCP_INFORM;
    /* Spec: RFC 2131 4.1: a NAK is broadcast; who has an address gets the reply there. */
    bool is_broadcast = type == DHCP_NAK || (request->client == 0 && request->wants_broadcast);
    u32 dst = is_broadcast ? BROADCAST : request->client ? request->client : host->ip;
    char domain[NAT_NAME_MAX + sizeof(".internal")];
    u32 bytes;
    struct dhcp_reply reply = {
        .type = type,
        .xid = request->xid,
        .wants_broadcast = request->wants_broadcast,
        .client = type == DHCP_ACK ? request->client : 0,
        .address = is_lease ? host->ip : 0,
        .server = nat->cfg.gateway,
        .netmask = nat->netmask,
        .lease_s = is_lease ? LEASE_S : 0,
        .mtu = mtu_of(nat),
        .host_name = host->vm,
        .domain = domain,
    };

    memcpy(reply.mac, host->mac, sizeof(reply.mac));
    ksnprintf(domain, sizeof(domain), "%s.internal", nat->cfg.network);
    bytes = UDP_HEADER_BYTES + dhcp_build(&reply, udp + UDP_HEADER_BYTES);
    inet_store16(udp, PORT_SERVER);
    inet_store16(udp + 2, PORT_CLIENT);
    inet_store16(udp + UDP_LENGTH_AT, (u16)bytes);
    ip_header_write(ip, inet_v4(nat->cfg.gateway), inet_v4(dst), IP_PROTOCOL_UDP, bytes);
    ip_checksum(ip);
    pkt->len = (u16)(ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + bytes);
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    nat->counters.dhcp_replies++;
    nat_to_host(nat, host, pkt);
}

void nat_dhcp(struct nat *nat, struct pktbuf *pkt, const struct ip_view *view)
{
    struct nat_host *host = NULL;
    struct dhcp_request request;
    u8 type = 0;

    if (dhcp_parse(view->l4 + UDP_HEADER_BYTES, view->l4_bytes - UDP_HEADER_BYTES, &request) == 0 &&
        memcmp(request.mac, pktbuf_data(pkt) + 6, sizeof(request.mac)) == 0)
        host = nat_host_get(nat, request.mac);
    if (host)
        type = answer(nat, host, &request);
    if (type != 0)
        send_reply(nat, host, pkt, &request, type);
    else
        nat_drop(pkt, &nat->counters.dhcp_drops);
}
