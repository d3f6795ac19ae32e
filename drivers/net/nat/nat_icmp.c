/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP: the gateway's own answers, and errors translated with what they quote. Spec: RFC 792,
 * RFC 5508 4. */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"
#include "drivers/net/pktbuf_csum.h"

#define ICMP_ECHO_REPLY        0u
#define ICMP_ECHO              8u
#define ICMP_PARAMETER_PROBLEM 12u
#define ICMP_INFO_AT           6u
#define QUOTED_BYTES           8u /* of the transport header */

bool nat_icmp_is_error(const struct ipv4_view *view)
{
    return view->protocol == IP_PROTOCOL_ICMP && view->has_ports &&
           (view->l4[0] == NAT_ICMP_UNREACHABLE || view->l4[0] == NAT_ICMP_TIME_EXCEEDED ||
            view->l4[0] == ICMP_PARAMETER_PROBLEM);
}

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
                   const struct ipv4_view *view)
{
    pktbuf_csum_complete(pkt);
    ipv4_header_write(view->ip, view->dst, view->src, IP_PROTOCOL_ICMP, view->l4_bytes);
    view->l4[0] = ICMP_ECHO_REPLY;
    inet_store16(view->l4 + ICMP_CSUM_AT,
                 (u16)~inet_sum_replace((u16)~inet_load16(view->l4 + ICMP_CSUM_AT), ICMP_ECHO << 8,
                                        ICMP_ECHO_REPLY << 8));
    nat_to_host(nat, host, pkt);
}

void nat_icmp_refuse(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                     const struct ipv4_view *view, u8 type, u8 code, u16 info)
{
    u32 quoted = IPV4_HEADER_BYTES + MIN((u32)view->l4_bytes, QUOTED_BYTES);
    u8 *icmp = view->l4;

    /* Spec: RFC 1122 3.2.2: never about an error, nor about a later fragment. */
    if (!view->has_ports || (view->protocol == IP_PROTOCOL_ICMP && icmp[0] != ICMP_ECHO) ||
        !may_send_error(nat)) {
        pktbuf_free(pkt);
        return;
    }
    memmove(icmp + ICMP_HEADER_BYTES, view->ip, quoted);
    ipv4_header_write(view->ip, nat->cfg.gateway, view->src, IP_PROTOCOL_ICMP,
                      ICMP_HEADER_BYTES + quoted);
    memset(icmp, 0, ICMP_HEADER_BYTES);
    icmp[0] = type;
    icmp[1] = code;
    inet_store16(icmp + ICMP_INFO_AT, info);
    ipv4_icmp_checksum(icmp, ICMP_HEADER_BYTES + quoted);
    pkt->len = (u16)(ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted);
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    nat_to_host(nat, host, pkt);
}

/* The quote of an error that is whole and right. */
static bool parse_error(struct pktbuf *pkt, const struct ipv4_view *view, struct ipv4_view *quote)
{
    pktbuf_csum_complete(pkt);
    return !view->is_fragment && inet_sum(view->l4, view->l4_bytes) == 0xffff &&
           ipv4_read_quote(view->l4 + ICMP_HEADER_BYTES, view->l4_bytes - ICMP_HEADER_BYTES,
                           quote) == 0;
}

static u16 remote_port_of(const struct ipv4_view *quote, u16 port)
{
    return quote->protocol == IP_PROTOCOL_ICMP ? 0 : port;
}

static void rewrite_error(struct pktbuf *pkt, struct ipv4_view *view, const struct ipv4_ends *outer,
                          struct ipv4_view *quote, const struct ipv4_ends *inner)
{
    ipv4_rewrite_quote(quote, inner);
    ipv4_rewrite(pkt, view, outer);
    ipv4_icmp_checksum(view->l4, view->l4_bytes);
    ipv4_ttl_decrement(view->ip);
}

bool nat_icmp_error_out(struct nat *nat, struct pktbuf *pkt, struct ipv4_view *view)
{
    struct ipv4_view quote;
    struct nat_conn *conn;

    if (!parse_error(pkt, view, &quote))
        return false;
    conn = nat_conn_inside(nat, quote.protocol, quote.dst, quote.dst_port, quote.src,
                           remote_port_of(&quote, quote.src_port));
    if (!conn || conn->inside != view->src)
        return false;
    rewrite_error(
        pkt, view, &(struct ipv4_ends){.src = nat->uplink.address, .dst = conn->remote}, &quote,
        &(struct ipv4_ends){
            .src = conn->remote,
            .dst = nat->uplink.address,
            .src_port = quote.protocol == IP_PROTOCOL_ICMP ? conn->outside_port : conn->remote_port,
            .dst_port = conn->outside_port,
        });
    nat_to_uplink(nat, pkt, conn->remote);
    return true;
}

bool nat_icmp_error_in(struct nat *nat, struct pktbuf *pkt, struct ipv4_view *view)
{
    struct ipv4_view quote;
    struct nat_conn *conn;

    if (!parse_error(pkt, view, &quote) || quote.src != nat->uplink.address)
        return false;
    conn = nat_conn_outside(nat, quote.protocol, quote.src_port, quote.dst,
                            remote_port_of(&quote, quote.dst_port));
    if (!conn)
        return false;
    rewrite_error(pkt, view, &(struct ipv4_ends){.src = view->src, .dst = conn->inside}, &quote,
                  &(struct ipv4_ends){
                      .src = conn->inside,
                      .dst = conn->seen,
                      .src_port = conn->inside_port,
                      .dst_port = conn->remote_port,
                  });
    nat_to_host(nat, conn->host, pkt);
    return true;
}
