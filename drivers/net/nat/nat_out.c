/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the inside network: what the gateway answers itself, what it refuses, what it translates.
 *
 * A guest reaches the gateway's DHCP, neighbour discovery, DNS and echo, and what lies beyond the
 * uplink. It does not reach the host's own address (management is not for guests), nor the inside
 * network by way of the gateway (that would go round the switch's isolation), nor link-local
 * addresses (a cloud's metadata service knows the host's secrets).
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define PORT_DNS         53u
#define PORT_DHCP_SERVER 67u
#define BROADCAST        0xffffffffu

static const u8 broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Spec: RFC 6890 2.2.2 "IPv4 Special-Purpose Address Registry Entries". */
static const struct {
    u32 address, mask;
} never_routed[] = {
    {0x00000000u, 0xff000000u}, /* 0.0.0.0/8, this network */
    {0x7f000000u, 0xff000000u}, /* 127.0.0.0/8, loopback */
    {0xa9fe0000u, 0xffff0000u}, /* 169.254.0.0/16, link-local */
    {0xe0000000u, 0xe0000000u}, /* 224.0.0.0/3, multicast, reserved, broadcast */
};

/* Spec: RFC 6890 2.2.3 "IPv6 Special-Purpose Address Registry Entries". The last two are clouds'
 * metadata services, as link-local addresses are IPv4's. */
static const struct {
    struct inet_address address, mask;
} never_routed_v6[] = {
    {{0, 0}, {~0ull, 0}},                             /* ::/64, none, loopback, IPv4 */
    {{0xfe80ull << 48, 0}, {0xffc0ull << 48, 0}},     /* fe80::/10, link-local */
    {{0xffull << 56, 0}, {0xffull << 56, 0}},         /* ff00::/8, multicast */
    {{0xfd000ec200000000ull, 0x254}, {~0ull, ~0ull}}, /* fd00:ec2::254 */
    {{0xfd2000ce00000000ull, 0x254}, {~0ull, ~0ull}}, /* fd20:ce::254 */
};

static bool is_routable_v4(const struct nat *nat, u32 ip)
{
    const struct nat_uplink *up = &nat->uplink;

    for (u32 i = 0; i < ARRAY_SIZE(never_routed); i++)
        if ((ip & never_routed[i].mask) == never_routed[i].address)
            return false;
    if (!up->is_up)
        return true;
    if (ip == up->address)
        return false;
    if (((ip ^ up->address) & up->netmask) != 0 || ~up->netmask <= 1)
        return true;
    return (ip & ~up->netmask) != 0 && (ip | up->netmask) != BROADCAST;
}

static bool is_routable_v6(const struct nat *nat, struct inet_address ip)
{
    for (u32 i = 0; i < ARRAY_SIZE(never_routed_v6); i++)
        if ((ip.hi & never_routed_v6[i].mask.hi) == never_routed_v6[i].address.hi &&
            (ip.lo & never_routed_v6[i].mask.lo) == never_routed_v6[i].address.lo)
            return false;
    for (u32 i = 0; i < NAT_HOST_V6; i++)
        if (inet_same(ip, nat->uplink.v6.hosts[i]))
            return false;
    return true;
}

static bool is_routable(const struct nat *nat, struct inet_address ip)
{
    if (nat_is_inside(nat, ip))
        return false;
    return inet_is_v4(ip) ? is_routable_v4(nat, inet_v4_of(ip)) : is_routable_v6(nat, ip);
}

static bool may_begin(const struct ip_view *view)
{
    if (view->protocol == IP_PROTOCOL_TCP)
        return (view->l4[TCP_FLAGS_AT] & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
    return view->protocol == IP_PROTOCOL_UDP || view->icmp == IP_ICMP_ECHO;
}

/* Finds or makes the connection of a packet with ports; counts why there is none. */
static struct nat_conn *connection(struct nat *nat, struct nat_host *host,
                                   const struct ip_view *view, struct inet_address remote,
                                   u64 **why)
{
    u16 remote_port = view->icmp != IP_NO_ICMP ? 0 : view->dst_port;
    struct nat_conn *conn =
        nat_conn_inside(nat, view->protocol, view->src, view->src_port, view->dst, remote_port);

    if (conn)
        return conn;
    *why = &nat->counters.unknown;
    if (!may_begin(view))
        return NULL;
    *why = &nat->counters.table_full;
    return nat_conn_add(nat, &(struct nat_conn){
                                 .host = host,
                                 .protocol = view->protocol,
                                 .inside = view->src,
                                 .inside_port = view->src_port,
                                 .seen = view->dst,
                                 .remote = remote,
                                 .remote_port = remote_port,
                             });
}

static void send_translated(struct nat *nat, struct pktbuf *pkt, struct ip_view *view,
                            const struct ip_ends *to)
{
    ip_rewrite(pkt, view, to);
    ip_hops_decrement(view);
    nat->counters.out_frames++;
    nat_to_uplink(nat, pkt, to->dst);
}

static void translate(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                      struct ip_view *view, struct inet_address remote)
{
    struct inet_address own = nat_outside(nat, view->is_ipv6);
    u64 *why = &nat->counters.unknown;
    struct nat_conn *conn = connection(nat, host, view, remote, &why);
    u8 flags = view->protocol == IP_PROTOCOL_TCP ? view->l4[TCP_FLAGS_AT] : 0;

    if (!conn) {
        nat_drop(pkt, why);
        return;
    }
    nat_conn_used(nat, conn, flags, true);
    if (view->is_fragment)
        nat_fragment_remember(nat, view, own, conn->remote, host);
    send_translated(nat, pkt, view,
                    &(struct ip_ends){
                        .src = own,
                        .dst = conn->remote,
                        .src_port = conn->outside_port,
                        .dst_port = view->dst_port,
                    });
}

static void translate_fragment(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    const struct nat_fragment *f = nat_fragment_find(nat, view);

    if (f)
        send_translated(nat, pkt, view, &(struct ip_ends){.src = f->new_src, .dst = f->new_dst});
    else
        nat_drop(pkt, &nat->counters.unknown);
}

/* A packet for `remote`, by its header or in the gateway's place. */
static void route(struct nat *nat, struct nat_host *host, struct pktbuf *pkt, struct ip_view *view,
                  struct inet_address remote)
{
    u32 bytes = ip_header_bytes(view->is_ipv6) + view->l4_bytes;

    if (inet_is_none(nat_outside(nat, view->is_ipv6))) {
        nat->counters.no_uplink++;
        nat_icmp_refuse(nat, host, pkt, view, NAT_NO_ROUTE);
    } else if (ip_hops(view) <= 1) {
        nat_icmp_refuse(nat, host, pkt, view, NAT_TIME_EXCEEDED);
    } else if (bytes > nat_outside_mtu(nat, view->is_ipv6)) {
        nat_icmp_refuse(nat, host, pkt, view, NAT_TOO_BIG);
    } else if (view->icmp == IP_ICMP_ERROR) {
        if (!nat_icmp_error_out(nat, pkt, view))
            nat_drop(pkt, &nat->counters.unknown);
    } else if (view->has_ports) {
        translate(nat, host, pkt, view, remote);
    } else if (view->is_fragment) {
        translate_fragment(nat, pkt, view);
    } else {
        nat_drop(pkt, &nat->counters.unsupported);
    }
}

static void refuse(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   const struct ip_view *view)
{
    nat->counters.refused++;
    nat_icmp_refuse(nat, host, pkt, view, NAT_PROHIBITED);
}

/* For the gateway itself. DNS over TCP is a connection with the host's server in its place. */
static void to_gateway(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                       struct ip_view *view)
{
    if (!view->has_ports)
        nat_drop(pkt, &nat->counters.refused);
    else if (view->protocol == IP_PROTOCOL_UDP && view->dst_port == PORT_DNS)
        nat_dns_query(nat, host, pkt, view);
    else if (view->protocol == IP_PROTOCOL_TCP && view->dst_port == PORT_DNS && !view->is_ipv6 &&
             nat->uplink.dns[0] != 0)
        route(nat, host, pkt, view, inet_v4(nat->uplink.dns[0]));
    else if (view->icmp == IP_ICMP_ECHO && !view->is_fragment)
        nat_icmp_echo(nat, host, pkt, view);
    else
        refuse(nat, host, pkt, view);
}

static bool is_dhcp(const struct nat *nat, const struct ip_view *view)
{
    return view->protocol == IP_PROTOCOL_UDP && view->has_ports && !view->is_fragment &&
           view->dst_port == PORT_DHCP_SERVER &&
           (inet_same(view->dst, inet_v4(BROADCAST)) ||
            inet_same(view->dst, inet_v4(nat->cfg.gateway)));
}

static void inside_ip(struct nat *nat, struct pktbuf *pkt)
{
    struct ip_view view;
    struct nat_host *host;

    if (ip_read(pkt, &view)) {
        nat_drop(pkt, &nat->counters.malformed);
        return;
    }
    if (is_dhcp(nat, &view)) {
        nat_dhcp(nat, pkt, &view);
        return;
    }
    if (view.is_ipv6 && view.icmp == IP_ICMP_OTHER) {
        nat_nd_inside(nat, pkt, &view);
        return;
    }
    host = nat_host_get(nat, pktbuf_data(pkt) + 6);
    if (!host || !nat_host_claims(nat, host, view.src))
        nat_drop(pkt, &nat->counters.spoofed);
    else if (memcmp(pktbuf_data(pkt), nat->cfg.mac, 6) != 0)
        pktbuf_free(pkt); /* a broadcast between guests */
    else if (nat_is_gateway(nat, view.dst))
        to_gateway(nat, host, pkt, &view);
    else if (inet_is_link_local_v6(view.src) || !is_routable(nat, view.dst))
        refuse(nat, host, pkt, &view);
    else
        route(nat, host, pkt, &view, view.dst);
}

/* For the gateway, for all, or IPv6 for a group. */
static bool is_for_us(const struct nat *nat, const u8 *frame, u16 type)
{
    return memcmp(frame, nat->cfg.mac, 6) == 0 || memcmp(frame, broadcast_mac, 6) == 0 ||
           (type == ETHERNET_TYPE_IPV6 && frame[0] == 0x33 && frame[1] == 0x33);
}

void nat_from_inside(struct nat *nat, struct pktbuf *pkt, u64 now_ns)
{
    const u8 *frame = pktbuf_data(pkt);
    u16 type;

    nat->now_ns = now_ns;
    if (pkt->len < ETHERNET_HEADER_BYTES || (frame[6] & 1) != 0) {
        nat_drop(pkt, &nat->counters.malformed);
        return;
    }
    type = inet_load16(frame + ETHERNET_TYPE_AT);
    if (!is_for_us(nat, frame, type))
        pktbuf_free(pkt); /* multicast, or flooded by the switch */
    else if (type == ETHERNET_TYPE_ARP)
        nat_arp_inside(nat, pkt);
    else if (type == ETHERNET_TYPE_IPV4 || type == ETHERNET_TYPE_IPV6)
        inside_ip(nat, pkt);
    else
        nat_drop(pkt, &nat->counters.unsupported);
}
