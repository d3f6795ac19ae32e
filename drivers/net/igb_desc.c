/* SPDX-License-Identifier: BSD-2-Clause */
/* Advanced descriptors of the 82576 and later. Spec: 82576 Datasheet 7.1.5, 7.2.2. */
#include "drivers/net/e1000_desc.h"

/* Receive, written back: extended status 19:0, extended errors 31:20, length 47:32. */
#define RX_DONE         BIT(0)
#define RX_EOP          BIT(1)
#define RX_L4CS         BIT(5)  /* TCP or UDP checksum was checked */
#define RX_L4E          BIT(29) /* and is wrong */
#define RX_IPE          BIT(30)
#define RX_RXE          BIT(31) /* damaged frame */
#define RX_LENGTH_SHIFT 32u

/* Transmit data: length 15:0, type 23:20, command 31:24, options 45:40, whole length 63:46. */
#define TX_TYPE_CONTEXT (2ull << 20)
#define TX_TYPE_DATA    (3ull << 20)
#define TX_CMD_IFCS     BIT(25)
#define TX_CMD_DEXT     BIT(29)
#define TX_CMD_TSE      0x80000000ull /* to be cut */
#define TX_OPT_IXSM     BIT(40)
#define TX_OPT_TXSM     BIT(41)
#define TX_PAYLEN_SHIFT 46u

/* Context: lengths of the headers in the first word, what they are in the second. */
#define CONTEXT_MACLEN_SHIFT 9u
#define CONTEXT_IPLEN_MAX    0x1ffu
#define CONTEXT_IPV4         BIT(10)
#define CONTEXT_L4T_TCP      BIT(11) /* else UDP */
/* Of a segment also: bytes of TCP's header, of payload in each frame. */
#define CONTEXT_L4LEN_SHIFT  40u
#define CONTEXT_MSS_SHIFT    48u

#define ETHERTYPE_AT    12u
#define ETHERTYPE_IPV4  0x0800u
#define ETHERTYPE_IPV6  0x86ddu
#define IPV4_HEADER_MIN 20u
#define TCP_CSUM_OFFSET 16u
#define UDP_CSUM_OFFSET 6u

static struct e1000_frame rx_parse(u64 word)
{
    return (struct e1000_frame){
        .len = (u16)(word >> RX_LENGTH_SHIFT),
        .is_last = (word & RX_EOP) != 0,
        .is_bad = (word & RX_RXE) != 0,
        .csum_ok = (word & (RX_L4CS | RX_L4E | RX_IPE)) == RX_L4CS,
    };
}

static u64 tx_data(const struct pktbuf *pkt)
{
    u64 word =
        pkt->len | TX_TYPE_DATA | TX_CMD_IFCS | TX_CMD_DEXT | (u64)pkt->len << TX_PAYLEN_SHIFT;

    return pkt->csum == PKTBUF_CSUM_PARTIAL ? word | TX_OPT_TXSM : word;
}

/* The device knows headers, not positions: only what it would find there by itself is left to it.
 */
static bool tx_context(const struct pktbuf *pkt, struct e1000_desc *out)
{
    const u8 *frame = pktbuf_data(pkt);
    u32 type = (u32)frame[ETHERTYPE_AT] << 8 | frame[ETHERTYPE_AT + 1];
    u32 ip_bytes = (u32)pkt->csum_start - ETHERNET_HEADER_BYTES;

    if (pkt->csum_start < ETHERNET_HEADER_BYTES + IPV4_HEADER_MIN || ip_bytes > CONTEXT_IPLEN_MAX ||
        (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6) ||
        (pkt->csum_offset != TCP_CSUM_OFFSET && pkt->csum_offset != UDP_CSUM_OFFSET))
        return false;
    out->address = ip_bytes | (u64)ETHERNET_HEADER_BYTES << CONTEXT_MACLEN_SHIFT;
    out->word = TX_TYPE_CONTEXT | TX_CMD_DEXT;
    if (type == ETHERTYPE_IPV4)
        out->word |= CONTEXT_IPV4;
    if (pkt->csum_offset == TCP_CSUM_OFFSET)
        out->word |= CONTEXT_L4T_TCP;
    return true;
}

/* Spec: 82576 Datasheet 7.2.2.2 "Transmit Context Descriptor", 7.2.4 "TCP/UDP Segmentation". */
static struct e1000_desc segment_context(const struct net_join *join)
{
    const struct net_tcp *place = &join->place;
    u32 ip_bytes = (u32)place->tcp_at - place->ip_at;
    u64 tcp_bytes = (u64)place->header_bytes - place->tcp_at;

    return (struct e1000_desc){
        .address = ip_bytes | (u64)place->ip_at << CONTEXT_MACLEN_SHIFT,
        .word = TX_TYPE_CONTEXT | TX_CMD_DEXT | CONTEXT_L4T_TCP |
                (place->is_ipv6 ? 0 : CONTEXT_IPV4) | tcp_bytes << CONTEXT_L4LEN_SHIFT |
                (u64)join->mss << CONTEXT_MSS_SHIFT,
    };
}

static u64 segment_data(const struct net_join *join, u32 bytes, bool is_first)
{
    u64 word = bytes | TX_TYPE_DATA | TX_CMD_IFCS | TX_CMD_DEXT | TX_CMD_TSE;

    if (is_first)
        word |= TX_OPT_TXSM | (join->place.is_ipv6 ? 0 : TX_OPT_IXSM) |
                (u64)join->payload << TX_PAYLEN_SHIFT;
    return word;
}

const struct e1000_format e1000_advanced = {
    .rx_done = RX_DONE,
    .rx_parse = rx_parse,
    .tx_data = tx_data,
    .tx_context = tx_context,
    .segment_context = segment_context,
    .segment_data = segment_data,
};
