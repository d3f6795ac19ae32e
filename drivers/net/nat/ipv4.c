/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 headers: what is accepted, and how they are rewritten.
 *
 * Checksums are updated, never computed anew (RFC 1624): an error on the way stays visible. A
 * partial checksum holds the sum of the pseudo header, uncomplemented: addresses change it, ports
 * do not.
 */
#include "drivers/net/nat/ipv4.h"

#include "core/lib/errno.h"
#include "drivers/net/pktbuf_csum.h"

#define IPV4_VERSION_IHL 0x45u /* version 4, no options */
#define IPV4_TTL         64u
#define ICMP_ECHO_REPLY  0u
#define ICMP_ECHO        8u

/* Where the transport checksum is and what it covers. */
struct csum_field {
    u8 *at; /* NULL: there is none */
    bool is_partial;
    bool covers_addresses;
};

static u16 header_bytes_min(u8 protocol)
{
    if (protocol == IP_PROTOCOL_TCP)
        return TCP_HEADER_BYTES;
    return UDP_HEADER_BYTES; /* ICMP's is as long */
}

static u16 csum_offset(u8 protocol)
{
    if (protocol == IP_PROTOCOL_TCP)
        return TCP_CSUM_AT;
    return protocol == IP_PROTOCOL_UDP ? UDP_CSUM_AT : ICMP_CSUM_AT;
}

static bool is_known(u8 protocol)
{
    return protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP ||
           protocol == IP_PROTOCOL_ICMP;
}

static bool is_echo(const u8 *icmp)
{
    return icmp[0] == ICMP_ECHO || icmp[0] == ICMP_ECHO_REPLY;
}

static void read_ports(struct ipv4_view *view)
{
    if (view->protocol != IP_PROTOCOL_ICMP) {
        view->src_port = inet_load16(view->l4);
        view->dst_port = inet_load16(view->l4 + 2);
    } else if (is_echo(view->l4)) {
        view->src_port = inet_load16(view->l4 + ICMP_ID_AT);
        view->dst_port = view->src_port;
    }
}

/* The fixed fields of the header at `ip`, of which 20 bytes are there. */
static int parse_header(u8 *ip, struct ipv4_view *view)
{
    if (ip[0] != IPV4_VERSION_IHL || inet_load16(ip + IPV4_TOTAL_AT) < IPV4_HEADER_BYTES)
        return -EPROTO;
    *view = (struct ipv4_view){
        .ip = ip,
        .l4 = ip + IPV4_HEADER_BYTES,
        .l4_bytes = (u16)(inet_load16(ip + IPV4_TOTAL_AT) - IPV4_HEADER_BYTES),
        .src = inet_load32(ip + IPV4_SRC_AT),
        .dst = inet_load32(ip + IPV4_DST_AT),
        .protocol = ip[IPV4_PROTOCOL_AT],
    };
    return 0;
}

/*
 * A later fragment must not write over the header that the first one was judged by.
 * Spec: RFC 1858 3 "Filtering IP fragments".
 */
static int parse_fragment(struct ipv4_view *view)
{
    u16 field = inet_load16(view->ip + IPV4_FRAGMENT_AT);
    u32 offset = (u32)(field & IPV4_FRAGMENT_OFFSET) * 8;

    view->is_fragment = (field & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
    if (offset == 0)
        view->has_ports = is_known(view->protocol);
    else if (offset < header_bytes_min(view->protocol))
        return -EPROTO;
    return 0;
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

int ipv4_read(struct pktbuf *pkt, struct ipv4_view *view)
{
    u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;
    int rc;

    if (pkt->len < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES)
        return -EPROTO;
    rc = parse_header(ip, view);
    if (rc)
        return rc;
    if ((u32)ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + view->l4_bytes > pkt->len ||
        inet_sum(ip, IPV4_HEADER_BYTES) != 0xffff)
        return -EPROTO;
    rc = parse_fragment(view);
    if (rc)
        return rc;
    if (view->has_ports && view->l4_bytes < header_bytes_min(view->protocol))
        return -EPROTO;
    if (view->has_ports)
        read_ports(view);
    return trim(pkt, (u16)(ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + view->l4_bytes));
}

int ipv4_read_quote(u8 *quote, u32 bytes, struct ipv4_view *view)
{
    int rc;

    if (bytes < IPV4_HEADER_BYTES + UDP_HEADER_BYTES)
        return -EPROTO;
    rc = parse_header(quote, view);
    if (rc)
        return rc;
    if ((inet_load16(quote + IPV4_FRAGMENT_AT) & IPV4_FRAGMENT_OFFSET) != 0 ||
        !is_known(view->protocol) || view->l4_bytes < UDP_HEADER_BYTES)
        return -EPROTO;
    view->l4_bytes = (u16)(MIN((u32)view->l4_bytes, bytes - IPV4_HEADER_BYTES));
    view->has_ports = true;
    read_ports(view);
    return 0;
}

static void replace_in_sum(const struct csum_field *csum, u16 old_word, u16 new_word)
{
    u16 field = inet_load16(csum->at);

    if (csum->is_partial)
        inet_store16(csum->at, inet_sum_replace(field, old_word, new_word));
    else
        inet_store16(csum->at, (u16)~inet_sum_replace((u16)~field, old_word, new_word));
}

static void replace_address(u8 *ip, u32 at, u32 address, const struct csum_field *csum)
{
    const struct csum_field header = {.at = ip + IPV4_CSUM_AT};

    for (u32 i = 0; i < 4; i += 2) {
        u16 old_word = inet_load16(ip + at + i);
        u16 new_word = (u16)(address >> (16 - 8 * i));

        replace_in_sum(&header, old_word, new_word);
        if (csum->at && csum->covers_addresses)
            replace_in_sum(csum, old_word, new_word);
        inet_store16(ip + at + i, new_word);
    }
}

static void replace_port(u8 *at, u16 port, const struct csum_field *csum)
{
    if (csum->at && !csum->is_partial)
        replace_in_sum(csum, inet_load16(at), port);
    inet_store16(at, port);
}

static void replace_ports(struct ipv4_view *view, const struct ipv4_ends *to,
                          const struct csum_field *csum)
{
    if (view->protocol != IP_PROTOCOL_ICMP) {
        replace_port(view->l4, to->src_port, csum);
        replace_port(view->l4 + 2, to->dst_port, csum);
    } else if (is_echo(view->l4)) {
        replace_port(view->l4 + ICMP_ID_AT, to->src_port, csum);
    }
}

static void rewrite(struct ipv4_view *view, const struct ipv4_ends *to,
                    const struct csum_field *csum)
{
    replace_address(view->ip, IPV4_SRC_AT, to->src, csum);
    replace_address(view->ip, IPV4_DST_AT, to->dst, csum);
    view->src = to->src;
    view->dst = to->dst;
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
static struct csum_field field_of(struct ipv4_view *view)
{
    u16 offset = csum_offset(view->protocol);
    struct csum_field csum = {.covers_addresses = view->protocol != IP_PROTOCOL_ICMP};

    if (view->has_ports && (u32)offset + sizeof(u16) <= view->l4_bytes)
        csum.at = view->l4 + offset;
    return csum;
}

static void drop_absent(const struct ipv4_view *view, struct csum_field *csum)
{
    if (view->protocol == IP_PROTOCOL_UDP && csum->at && inet_load16(csum->at) == 0)
        csum->at = NULL;
}

void ipv4_rewrite(struct pktbuf *pkt, struct ipv4_view *view, const struct ipv4_ends *to)
{
    struct csum_field csum = field_of(view);

    if (pkt->csum == PKTBUF_CSUM_PARTIAL) {
        /* Of another header, or one whose field is not where it belongs: no longer deferred. */
        if (view->protocol == IP_PROTOCOL_ICMP || !csum.at || view->is_fragment ||
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

void ipv4_rewrite_quote(struct ipv4_view *quote, const struct ipv4_ends *to)
{
    struct csum_field csum = field_of(quote);

    drop_absent(quote, &csum);
    rewrite(quote, to, &csum);
}

void ipv4_ttl_decrement(u8 *ip)
{
    const struct csum_field header = {.at = ip + IPV4_CSUM_AT};
    u16 word = inet_load16(ip + IPV4_TTL_AT);

    replace_in_sum(&header, word, (u16)(word - 0x100));
    inet_store16(ip + IPV4_TTL_AT, (u16)(word - 0x100));
}

void ipv4_header_write(u8 *ip, u32 src, u32 dst, u8 protocol, u32 l4_bytes)
{
    ip[0] = IPV4_VERSION_IHL;
    ip[1] = 0;
    inet_store16(ip + IPV4_TOTAL_AT, (u16)(IPV4_HEADER_BYTES + l4_bytes));
    inet_store16(ip + IPV4_ID_AT, 0);
    inet_store16(ip + IPV4_FRAGMENT_AT, IPV4_DONT_FRAGMENT);
    ip[IPV4_TTL_AT] = IPV4_TTL;
    ip[IPV4_PROTOCOL_AT] = protocol;
    inet_store16(ip + IPV4_CSUM_AT, 0);
    inet_store32(ip + IPV4_SRC_AT, src);
    inet_store32(ip + IPV4_DST_AT, dst);
    inet_store16(ip + IPV4_CSUM_AT, (u16)~inet_sum(ip, IPV4_HEADER_BYTES));
}

void ipv4_udp_checksum(u8 *ip)
{
    u8 *udp = ip + IPV4_HEADER_BYTES;
    u16 bytes = inet_load16(udp + UDP_LENGTH_AT), sum;

    inet_store16(udp + UDP_CSUM_AT, 0);
    sum = inet_add(inet_pseudo_sum(inet_load32(ip + IPV4_SRC_AT), inet_load32(ip + IPV4_DST_AT),
                                   IP_PROTOCOL_UDP, bytes),
                   inet_sum(udp, bytes));
    inet_store16(udp + UDP_CSUM_AT, sum == 0xffff ? 0xffff : (u16)~sum);
}

void ipv4_icmp_checksum(u8 *icmp, u32 bytes)
{
    inet_store16(icmp + ICMP_CSUM_AT, 0);
    inet_store16(icmp + ICMP_CSUM_AT, (u16)~inet_sum(icmp, bytes));
}
