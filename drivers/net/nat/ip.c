/* SPDX-License-Identifier: BSD-2-Clause */
/* IP packets: what is accepted, and how headers are built. */
#include "drivers/net/nat/ip.h"

#include "core/lib/errno.h"
#include "drivers/net/nat/ip_header.h"
#include "drivers/net/pktbuf_csum.h"

#define IPV4_VERSION_IHL 0x45u
#define IPV6_VERSION_AT0 0x60000000u /* version 6, no traffic class, no flow label */
#define HOPS             64u
#define HOPS_ND          255u

u16 ip_l4_header_bytes(u8 protocol)
{
    if (protocol == IP_PROTOCOL_TCP)
        return TCP_HEADER_BYTES;
    return UDP_HEADER_BYTES; /* ICMP's is as long */
}

static bool is_icmp(const struct ip_view *view)
{
    return view->protocol == (view->is_ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP);
}

static bool is_known(const struct ip_view *view)
{
    return view->protocol == IP_PROTOCOL_TCP || view->protocol == IP_PROTOCOL_UDP || is_icmp(view);
}

static enum ip_icmp kind_of_icmp(u8 type)
{
    if (type == ICMP_ECHO)
        return IP_ICMP_ECHO;
    if (type == ICMP_ECHO_REPLY)
        return IP_ICMP_ECHO_REPLY;
    return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM
               ? IP_ICMP_ERROR
               : IP_ICMP_OTHER;
}

static enum ip_icmp kind_of_icmpv6(u8 type)
{
    if (type == ICMPV6_ECHO)
        return IP_ICMP_ECHO;
    if (type == ICMPV6_ECHO_REPLY)
        return IP_ICMP_ECHO_REPLY;
    return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM ? IP_ICMP_ERROR
                                                                          : IP_ICMP_OTHER;
}

static void read_ports(struct ip_view *view)
{
    if (!is_icmp(view)) {
        view->src_port = inet_load16(view->l4);
        view->dst_port = inet_load16(view->l4 + 2);
        return;
    }
    view->icmp = (u8)(view->is_ipv6 ? kind_of_icmpv6(view->l4[0]) : kind_of_icmp(view->l4[0]));
    if (view->icmp == IP_ICMP_ECHO || view->icmp == IP_ICMP_ECHO_REPLY) {
        view->src_port = inet_load16(view->l4 + ICMP_ID_AT);
        view->dst_port = view->src_port;
    }
}

/* Cuts Ethernet's padding off; a deferred checksum must not reach into it. */
static int trim(struct pktbuf *pkt, u16 bytes)
{
    pkt->len = bytes;
    if (pkt->csum == PKTBUF_CSUM_PARTIAL &&
        !pktbuf_csum_set_partial(pkt, pkt->csum_start, pkt->csum_offset))
        return -EPROTO;
    return 0;
}

static int parse_header(u8 *ip, u32 bytes, bool is_ipv6, struct ip_view *view)
{
    int rc = is_ipv6 ? ipv6_header_read(ip, bytes, view) : ipv4_header_read(ip, bytes, view);

    if (rc == 0)
        view->has_ports = true;
    return rc;
}

int ip_read(struct pktbuf *pkt, struct ip_view *view)
{
    u8 *frame = pktbuf_data(pkt), *ip = frame + ETHERNET_HEADER_BYTES;
    bool is_ipv6 = inet_load16(frame + ETHERNET_TYPE_AT) == ETHERNET_TYPE_IPV6;
    u32 bytes = pkt->len - ETHERNET_HEADER_BYTES, used;
    int rc = parse_header(ip, bytes, is_ipv6, view);

    if (rc)
        return rc;
    used = ip_header_bytes(is_ipv6) + view->l4_bytes;
    if (used > bytes)
        return -EPROTO;
    if (!is_ipv6)
        rc = ipv4_header_check(view);
    if (rc)
        return rc;
    view->has_ports = view->has_ports && is_known(view);
    if (view->has_ports && view->l4_bytes < ip_l4_header_bytes(view->protocol))
        return -EPROTO;
    if (view->has_ports)
        read_ports(view);
    /* Spec: RFC 8200 8.1: UDP has a checksum. */
    if (is_ipv6 && view->protocol == IP_PROTOCOL_UDP && pkt->csum != PKTBUF_CSUM_PARTIAL &&
        inet_load16(view->l4 + UDP_CSUM_AT) == 0)
        return -EPROTO;
    return trim(pkt, (u16)(ETHERNET_HEADER_BYTES + used));
}

int ip_read_quote(u8 *quote, u32 bytes, bool is_ipv6, struct ip_view *view)
{
    u32 header = ip_header_bytes(is_ipv6);
    int rc;

    if (bytes < header + UDP_HEADER_BYTES)
        return -EPROTO;
    rc = parse_header(quote, bytes, is_ipv6, view);
    if (rc)
        return rc;
    if ((!is_ipv6 && (inet_load16(quote + IPV4_FRAGMENT_AT) & IPV4_FRAGMENT_OFFSET) != 0) ||
        !is_known(view) || view->l4_bytes < UDP_HEADER_BYTES)
        return -EPROTO;
    view->l4_bytes = (u16)(MIN((u32)view->l4_bytes, bytes - header));
    read_ports(view);
    return 0;
}

u8 ip_hops(const struct ip_view *view)
{
    return view->ip[view->is_ipv6 ? IPV6_HOPS_AT : IPV4_TTL_AT];
}

static void write_ipv4(u8 *ip, u32 src, u32 dst, u8 protocol, u32 l4_bytes)
{
    ip[0] = IPV4_VERSION_IHL;
    ip[1] = 0;
    inet_store16(ip + IPV4_TOTAL_AT, (u16)(IPV4_HEADER_BYTES + l4_bytes));
    inet_store16(ip + IPV4_ID_AT, 0);
    inet_store16(ip + IPV4_FRAGMENT_AT, IPV4_DONT_FRAGMENT);
    ip[IPV4_TTL_AT] = HOPS;
    ip[IPV4_PROTOCOL_AT] = protocol;
    inet_store16(ip + IPV4_CSUM_AT, 0);
    inet_store32(ip + IPV4_SRC_AT, src);
    inet_store32(ip + IPV4_DST_AT, dst);
    inet_store16(ip + IPV4_CSUM_AT, (u16)~inet_sum(ip, IPV4_HEADER_BYTES));
}

static void store(u8 *at, struct inet_address address)
{
    inet_store64(at, address.hi);
    inet_store64(at + 8, address.lo);
}

void ip_header_write(u8 *ip, struct inet_address src, struct inet_address dst, u8 protocol,
                     u32 l4_bytes)
{
    if (inet_is_v4(dst)) {
        write_ipv4(ip, inet_v4_of(src), inet_v4_of(dst), protocol, l4_bytes);
        return;
    }
    inet_store32(ip, IPV6_VERSION_AT0);
    inet_store16(ip + IPV6_LENGTH_AT, (u16)l4_bytes);
    ip[IPV6_NEXT_AT] = protocol;
    /* Neighbour discovery must not come from beyond the link. Spec: RFC 4861 3.1. */
    ip[IPV6_HOPS_AT] = protocol == IP_PROTOCOL_ICMPV6 ? HOPS_ND : HOPS;
    store(ip + IPV6_SRC_AT, src);
    store(ip + IPV6_DST_AT, dst);
}

/* The sum over a packet's transport part and what its checksum covers of the header. */
static u16 l4_sum(const u8 *ip, const u8 *l4, u32 l4_bytes, u8 protocol)
{
    u16 sum = inet_sum(l4, l4_bytes);

    if (protocol == IP_PROTOCOL_ICMP)
        return sum;
    sum = inet_add(sum, inet_add(protocol, (u16)l4_bytes));
    return inet_add(sum, ip[0] >> 4 == 6 ? inet_sum(ip + IPV6_SRC_AT, 32)
                                         : inet_sum(ip + IPV4_SRC_AT, 8));
}

void ip_checksum(u8 *ip)
{
    bool is_ipv6 = ip[0] >> 4 == 6;
    u8 *l4 = ip + ip_header_bytes(is_ipv6);
    u8 protocol = ip[is_ipv6 ? IPV6_NEXT_AT : IPV4_PROTOCOL_AT];
    u32 bytes = is_ipv6 ? inet_load16(ip + IPV6_LENGTH_AT)
                        : inet_load16(ip + IPV4_TOTAL_AT) - IPV4_HEADER_BYTES;
    u32 at = protocol == IP_PROTOCOL_UDP ? UDP_CSUM_AT : ICMP_CSUM_AT;
    u16 sum;

    inet_store16(l4 + at, 0);
    sum = l4_sum(ip, l4, bytes, protocol);
    /* Spec: RFC 768 "Fields": 0 says that there is none. */
    inet_store16(l4 + at, sum == 0xffff && protocol == IP_PROTOCOL_UDP ? 0xffff : (u16)~sum);
}

bool ip_icmp_is_intact(const struct ip_view *view)
{
    return l4_sum(view->ip, view->l4, view->l4_bytes, view->protocol) == 0xffff;
}
