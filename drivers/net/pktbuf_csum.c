/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums of the transport header, deferred and completed. Spec: RFC 1071, RFC 9293 3.1. */
#include "drivers/net/pktbuf_csum.h"

#include "core/lib/string.h"

#define ETHERTYPE_AT        12u
#define ETHERTYPE_IPV4      0x0800u
#define ETHERTYPE_IPV6      0x86ddu
#define PROTOCOL_TCP        6u
#define IPV4_FRAGMENT_MASK  0x3fffu /* more fragments, offset */
#define IPV4_HEADER_MIN     20u
#define IPV6_HEADER_BYTES   40u
#define TCP_HEADER_MIN      20u
#define TCP_CHECKSUM_OFFSET 16u

static u16 load16(const u8 *at)
{
    return (u16)(at[0] << 8 | at[1]);
}

static void store16(u8 *at, u16 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

/* One's complement sum of 64-bit words in memory order, which folds to the sum of 16-bit ones. */
static u64 add_words(const u8 *at, u32 bytes, u64 sum)
{
    u64 word;

    while (bytes >= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sum += word;
        sum += sum < word;
        at += sizeof(word);
        bytes -= (u32)sizeof(word);
    }
    word = 0;
    memcpy(&word, at, bytes);
    sum += word;
    return sum + (sum < word);
}

/* The 16-bit sum in network order, as a number. */
static u16 fold(u64 sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return __builtin_bswap16((u16)sum);
}

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
    u32 sum = fold(add_words(data + addresses_at, address_bytes, 0));

    sum += PROTOCOL_TCP + bytes;
    sum = (sum & 0xffffu) + (sum >> 16);
    if (pktbuf_csum_set_partial(pkt, (u16)start, TCP_CHECKSUM_OFFSET))
        store16(data + start + TCP_CHECKSUM_OFFSET, (u16)sum);
}

static void defer_ipv4(struct pktbuf *pkt)
{
    const u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;
    u32 header = (ip[0] & 0xfu) * 4u, total = load16(ip + 2);

    if (ip[9] != PROTOCOL_TCP || (load16(ip + 6) & IPV4_FRAGMENT_MASK) != 0 ||
        header < IPV4_HEADER_MIN || total < header + TCP_HEADER_MIN ||
        total != pkt->len - ETHERNET_HEADER_BYTES)
        return;
    defer(pkt, ETHERNET_HEADER_BYTES + header, ETHERNET_HEADER_BYTES + 12, 8, total - header);
}

static void defer_ipv6(struct pktbuf *pkt)
{
    const u8 *ip = pktbuf_data(pkt) + ETHERNET_HEADER_BYTES;
    u32 bytes = load16(ip + 4);

    if (ip[6] != PROTOCOL_TCP || bytes < TCP_HEADER_MIN ||
        bytes != pkt->len - ETHERNET_HEADER_BYTES - IPV6_HEADER_BYTES)
        return;
    defer(pkt, ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES, ETHERNET_HEADER_BYTES + 8, 32, bytes);
}

void pktbuf_csum_defer(struct pktbuf *pkt)
{
    u16 type;

    if (pkt->len < ETHERNET_HEADER_BYTES + IPV4_HEADER_MIN + TCP_HEADER_MIN)
        return;
    type = load16(pktbuf_data(pkt) + ETHERTYPE_AT);
    if (type == ETHERTYPE_IPV4)
        defer_ipv4(pkt);
    else if (type == ETHERTYPE_IPV6 &&
             pkt->len >= ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + TCP_HEADER_MIN)
        defer_ipv6(pkt);
}

void pktbuf_csum_complete(struct pktbuf *pkt)
{
    u8 *from = pktbuf_data(pkt) + pkt->csum_start;

    if (pkt->csum != PKTBUF_CSUM_PARTIAL)
        return;
    store16(from + pkt->csum_offset,
            (u16)~fold(add_words(from, (u32)pkt->len - pkt->csum_start, 0)));
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
}
