/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums of the transport header, deferred and completed. Spec: RFC 1071, RFC 9293 3.1. */
#include "drivers/net/pktbuf_csum.h"

#include "drivers/net/inet.h"

#define IPV4_FRAGMENT_MASK (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)

bool pktbuf_csum_set_partial(struct pktbuf *pkt, u16 start, u16 offset)
{
    if ((u32)start + offset + sizeof(u16) > pkt->len)
        return false;
    pkt->csum = PKTBUF_CSUM_PARTIAL;
    pkt->csum_start = start;
    pkt->csum_offset = offset;
    return true;
}

/* The segment at `start`, whose addresses are the `address_bytes` before it. */
static void defer(struct pktbuf *pkt, u32 start, u32 addresses_at, u32 address_bytes, u32 bytes)
{
    u8 *data = pktbuf_data(pkt);
    u32 sum = inet_sum(data + addresses_at, address_bytes);

    sum += IP_PROTOCOL_TCP + bytes;
    sum = (sum & 0xffffu) + (sum >> 16);
    if (pktbuf_csum_set_partial(pkt, (u16)start, TCP_CSUM_AT))
        inet_store16(data + start + TCP_CSUM_AT, (u16)sum);
}

static void defer_ipv4(struct pktbuf *pkt)
{
    const u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;
    u32 header = (ip[0] & 0xfu) * 4u, total = inet_load16(ip + 2);

    if (ip[9] != IP_PROTOCOL_TCP || (inet_load16(ip + 6) & IPV4_FRAGMENT_MASK) != 0 ||
        header < IPV4_HEADER_BYTES || total < header + TCP_HEADER_BYTES ||
        total != pkt->len - ETHERNET_HEADER_BYTES)
        return;
    defer(pkt, ETHERNET_HEADER_BYTES + header, ETHERNET_HEADER_BYTES + 12, 8, total - header);
}

static void defer_ipv6(struct pktbuf *pkt)
{
    const u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;
    u32 bytes = inet_load16(ip + 4);

    if (ip[6] != IP_PROTOCOL_TCP || bytes < TCP_HEADER_BYTES ||
        bytes != pkt->len - ETHERNET_HEADER_BYTES - IPV6_HEADER_BYTES)
        return;
    defer(pkt, ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES, ETHERNET_HEADER_BYTES + 8, 32, bytes);
}

void pktbuf_csum_defer(struct pktbuf *pkt)
{
    u16 type;

    if (pkt->len < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES + TCP_HEADER_BYTES)
        return;
    type = inet_load16(pktbuf_data(pkt) + ETHERNET_TYPE_AT);
    if (type == ETHERNET_TYPE_IPV4)
        defer_ipv4(pkt);
    else if (type == ETHERNET_TYPE_IPV6 &&
             pkt->len >= ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + TCP_HEADER_BYTES)
        defer_ipv6(pkt);
}

void pktbuf_csum_complete(struct pktbuf *pkt)
{
    u8 *from = pktbuf_data(pkt) + pkt->csum_start;

    if (pkt->csum != PKTBUF_CSUM_PARTIAL)
        return;
    inet_store16(from + pkt->csum_offset, (u16)~inet_sum(from, (u32)pkt->len - pkt->csum_start));
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}
