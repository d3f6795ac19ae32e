/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How headers are rewritten.
 *
 * Checksums are updated, never computed anew (RFC 1624): an error on the way stays visible. A
 * partial checksum holds the sum of the pseudo header, uncomplemented: addresses change it, ports
 * do not.
 */
#include "core/lib/string.h"
#include "drivers/net/nat/ip.h"
#include "drivers/net/pktbuf_csum.h"

/* Where the transport checksum is and what it covers. */
struct csum_field {
    u8 *at; /* NULL: there is none */
    bool is_partial;
    bool covers_addresses;
};

static u16 csum_offset(u8 protocol)
{
    if (protocol == IP_PROTOCOL_TCP)
        return TCP_CSUM_AT;
    return protocol == IP_PROTOCOL_UDP ? UDP_CSUM_AT : ICMP_CSUM_AT;
}

static void replace_in_sum(const struct csum_field *csum, u16 old_word, u16 new_word)
{
    u16 field = inet_load16(csum->at);

    if (csum->is_partial)
        inet_store16(csum->at, inet_sum_replace(field, old_word, new_word));
    else
        inet_store16(csum->at, (u16)~inet_sum_replace((u16)~field, old_word, new_word));
}

static u8 *addresses_of(const struct ip_view *view)
{
    return view->ip + (view->is_ipv6 ? IPV6_SRC_AT : IPV4_SRC_AT);
}

/* Source and destination, one behind the other. */
static u32 address_bytes(const struct ip_view *view)
{
    return view->is_ipv6 ? 32 : 8;
}

static void store_address(u8 *at, struct inet_address address, bool is_ipv6)
{
    if (is_ipv6) {
        inet_store64(at, address.hi);
        inet_store64(at + 8, address.lo);
    } else {
        inet_store32(at, inet_v4_of(address));
    }
}

static void replace_addresses(struct ip_view *view, const struct ip_ends *to,
                              const struct csum_field *csum)
{
    const struct csum_field header = {.at = view->ip + IPV4_CSUM_AT};
    u32 bytes = address_bytes(view);
    u8 *at = addresses_of(view);
    u16 old_sum = inet_sum(at, bytes), new_sum;

    store_address(at, to->src, view->is_ipv6);
    store_address(at + bytes / 2, to->dst, view->is_ipv6);
    new_sum = inet_sum(at, bytes);
    if (!view->is_ipv6)
        replace_in_sum(&header, old_sum, new_sum);
    if (csum->at && csum->covers_addresses)
        replace_in_sum(csum, old_sum, new_sum);
    view->src = to->src;
    view->dst = to->dst;
}

static void replace_port(u8 *at, u16 port, const struct csum_field *csum)
{
    if (csum->at && !csum->is_partial)
        replace_in_sum(csum, inet_load16(at), port);
    inet_store16(at, port);
}

static void replace_ports(struct ip_view *view, const struct ip_ends *to,
                          const struct csum_field *csum)
{
    if (view->icmp == IP_NO_ICMP) {
        replace_port(view->l4, to->src_port, csum);
        replace_port(view->l4 + 2, to->dst_port, csum);
    } else if (view->icmp == IP_ICMP_ECHO || view->icmp == IP_ICMP_ECHO_REPLY) {
        replace_port(view->l4 + ICMP_ID_AT, to->src_port, csum);
    }
}

static void rewrite(struct ip_view *view, const struct ip_ends *to, const struct csum_field *csum)
{
    replace_addresses(view, to, csum);
    if (!view->has_ports)
        return;
    replace_ports(view, to, csum);
    view->src_port = to->src_port;
    view->dst_port = to->dst_port;
    /* A UDP checksum of 0 means that there is none. Spec: RFC 768 "Fields". */
    if (view->protocol == IP_PROTOCOL_UDP && csum->at && !csum->is_partial &&
        inet_load16(csum->at) == 0)
        inet_store16(csum->at, 0xffff);
}

/* The transport checksum's field, if the packet has one; NULL else. */
static struct csum_field field_of(struct ip_view *view)
{
    u16 offset = csum_offset(view->protocol);
    struct csum_field csum = {.covers_addresses = view->protocol != IP_PROTOCOL_ICMP};

    if (view->has_ports && (u32)offset + sizeof(u16) <= view->l4_bytes)
        csum.at = view->l4 + offset;
    return csum;
}

static void drop_absent(const struct ip_view *view, struct csum_field *csum)
{
    if (view->protocol == IP_PROTOCOL_UDP && csum->at && inet_load16(csum->at) == 0)
        csum->at = NULL;
}

void ip_rewrite(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *to)
{
    struct csum_field csum = field_of(view);

    if (pkt->csum == PKTBUF_CSUM_PARTIAL) {
        /* Of another header, or one whose field is not where it belongs: no longer deferred. */
        if (view->icmp != IP_NO_ICMP || !csum.at || view->is_fragment ||
            pkt->csum_start != view->l4 - pktbuf_data(pkt) ||
            pkt->csum_offset != csum_offset(view->protocol))
            pktbuf_csum_complete(pkt);
        else
            csum.is_partial = true;
    }
    if (!csum.is_partial)
        drop_absent(view, &csum);
    rewrite(view, to, &csum);
}

void ip_rewrite_quote(struct ip_view *quote, const struct ip_ends *to)
{
    struct csum_field csum = field_of(quote);

    drop_absent(quote, &csum);
    rewrite(quote, to, &csum);
}

void ip_change_family(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *to)
{
    bool is_ipv6 = !view->is_ipv6;
    u16 old_sum = inet_sum(addresses_of(view), address_bytes(view));
    u8 *l4 = view->ip + ip_header_bytes(is_ipv6);

    pktbuf_csum_complete(pkt);
    memmove(l4, view->l4, view->l4_bytes);
    ip_header_write(view->ip, to->src, to->dst, view->protocol, view->l4_bytes);
    view->l4 = l4;
    view->is_ipv6 = is_ipv6;
    pkt->len = (u16)(ETHERNET_HEADER_BYTES + ip_header_bytes(is_ipv6) + view->l4_bytes);
    if (inet_load16(l4 + UDP_CSUM_AT) == 0)
        ip_checksum(view->ip); /* IPv6 has one always */
    else
        replace_in_sum(&(struct csum_field){.at = l4 + UDP_CSUM_AT}, old_sum,
                       inet_sum(addresses_of(view), address_bytes(view)));
    ip_rewrite(pkt, view, to);
}

void ip_hops_decrement(struct ip_view *view)
{
    const struct csum_field header = {.at = view->ip + IPV4_CSUM_AT};
    u16 word = inet_load16(view->ip + IPV4_TTL_AT);

    if (view->is_ipv6) {
        view->ip[IPV6_HOPS_AT]--;
        return;
    }
    replace_in_sum(&header, word, (u16)(word - 0x100));
    inet_store16(view->ip + IPV4_TTL_AT, (u16)(word - 0x100));
}
