/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP and ICMPv6: the gateway's own answers, and errors translated with what they quote. Spec:
 * RFC 792, RFC 4443, RFC 5508 4. */
#include "core/lib/string.h"
#include "drivers/net/nat/ip_header.h"
#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_csum.h"

#define ICMP_INFO_AT    4u
#define QUOTED_BYTES    8u /* of the transport header */
#define QUOTED_BYTES_V6 (IPV6_MTU_MIN - 2 * IPV6_HEADER_BYTES - ICMP_HEADER_BYTES)

static const struct {
    u8 type, code;
} refusals[][2] = {
    /* IPv4, then IPv6. */
    [NAT_NO_ROUTE] = {{3, 0}, {1, 0}},
    [NAT_PROHIBITED] = {{3, 13}, {1, 1}},
    [NAT_TOO_BIG] = {{3, 4}, {2, 0}},
    [NAT_TIME_EXCEEDED] = {{11, 0}, {3, 0}},
};

/* Errors are answers to anything a guest may send, so their number is limited. */
static bool may_send_error(struct nat *nat)
{
    u64 fresh = (nat->now_ns - nat->icmp_filled_ns) * NAT_ICMP_BURST / NS_PER_S;

    if (fresh > 0) {
        nat->icmp_tokens = MIN(nat->icmp_tokens + fresh, (u64)NAT_ICMP_BURST);
        nat->icmp_filled_ns = nat->now_ns;
    }
    if (nat->icmp_tokens == 0)
        return false;
    nat->icmp_tokens--;
    return true;
}

void nat_icmp_echo(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   const struct ip_view *view)
{
    u8 request = view->l4[0], reply = view->is_ipv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY;

    pktbuf_csum_complete(pkt);
    ip_header_write(view->ip, view->dst, view->src, view->protocol, view->l4_bytes);
    view->l4[0] = reply;
    inet_store16(view->l4 + ICMP_CSUM_AT,
                 (u16)~inet_sum_replace((u16)~inet_load16(view->l4 + ICMP_CSUM_AT),
                                        (u16)(request << 8), (u16)(reply << 8)));
    nat_to_host(nat, host, pkt);
}

/* Spec: RFC 1122 3.2.2, RFC 4443 2.4 (e): never about an error, a later fragment, nor what was for
 * many. */
static bool may_refuse(const struct ip_view *view)
{
    return view->has_ports && (view->icmp == IP_NO_ICMP || view->icmp == IP_ICMP_ECHO) &&
           !inet_is_multicast_v6(view->dst);
}

void nat_icmp_refuse(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                     const struct ip_view *view, enum nat_refusal why)
{
    u32 header = ip_header_bytes(view->is_ipv6);
    u32 quoted_max = view->is_ipv6 ? QUOTED_BYTES_V6 : QUOTED_BYTES;
    u32 quoted = header + MIN((u32)view->l4_bytes, quoted_max);
    u8 *icmp = view->l4;

    if (!may_refuse(view) || !may_send_error(nat)) {
        pktbuf_free(pkt);
        return;
    }
    memmove(icmp + ICMP_HEADER_BYTES, view->ip, quoted);
    ip_header_write(view->ip, nat_gateway_for(nat, view->src), view->src,
                    view->is_ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP,
                    ICMP_HEADER_BYTES + quoted);
    memset(icmp, 0, ICMP_HEADER_BYTES);
    icmp[0] = refusals[why][view->is_ipv6].type;
    icmp[1] = refusals[why][view->is_ipv6].code;
    /* IPv4 has an MTU in the lower half. Spec: RFC 1191 4, RFC 4443 3.2. */
    if (why == NAT_TOO_BIG)
        inet_store32(icmp + ICMP_INFO_AT, nat_outside_mtu(nat, view->is_ipv6));
    ip_checksum(view->ip);
    pkt->len = (u16)(ETHERNET_HEADER_BYTES + header + ICMP_HEADER_BYTES + quoted);
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    nat_to_host(nat, host, pkt);
}

/* The quote of an error that is whole and right. */
static bool parse_error(struct pktbuf *pkt, const struct ip_view *view, struct ip_view *quote)
{
    pktbuf_csum_complete(pkt);
    return !view->is_fragment && ip_icmp_is_intact(view) &&
           ip_read_quote(view->l4 + ICMP_HEADER_BYTES, view->l4_bytes - ICMP_HEADER_BYTES,
                         view->is_ipv6, quote) == 0;
}

static u16 remote_port_of(const struct ip_view *quote, u16 port)
{
    return quote->icmp != IP_NO_ICMP ? 0 : port;
}

static void rewrite_error(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *outer,
                          struct ip_view *quote, const struct ip_ends *inner)
{
    ip_rewrite_quote(quote, inner);
    ip_rewrite(pkt, view, outer);
    ip_checksum(view->ip);
    ip_hops_decrement(view);
}

bool nat_icmp_error_out(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    struct inet_address own = nat_outside(nat, view->is_ipv6);
    struct ip_view quote;
    struct nat_conn *conn;

    if (!parse_error(pkt, view, &quote))
        return false;
    conn = nat_conn_inside(nat, quote.protocol, quote.dst, quote.dst_port, quote.src,
                           remote_port_of(&quote, quote.src_port));
    if (!conn || !inet_same(conn->inside, view->src))
        return false;
    rewrite_error(pkt, view, &(struct ip_ends){.src = own, .dst = conn->remote}, &quote,
                  &(struct ip_ends){
                      .src = conn->remote,
                      .dst = own,
                      .src_port = quote.icmp != IP_NO_ICMP ? conn->outside_port : conn->remote_port,
                      .dst_port = conn->outside_port,
                  });
    nat_to_uplink(nat, pkt, conn->remote);
    return true;
}

bool nat_icmp_error_in(struct nat *nat, struct pktbuf *pkt, struct ip_view *view)
{
    struct ip_view quote;
    struct nat_conn *conn;

    if (!parse_error(pkt, view, &quote) || !inet_same(quote.src, view->dst))
        return false;
    conn = nat_conn_outside(nat, quote.protocol, quote.src_port, quote.dst,
                            remote_port_of(&quote, quote.dst_port));
    if (!conn)
        return false;
    rewrite_error(pkt, view, &(struct ip_ends){.src = view->src, .dst = conn->inside}, &quote,
                  &(struct ip_ends){
                      .src = conn->inside,
                      .dst = conn->seen,
                      .src_port = conn->inside_port,
                      .dst_port = conn->remote_port,
                  });
    nat_to_host(nat, conn->host, pkt);
    return true;
}
