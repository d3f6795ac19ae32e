/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of the 8254x and 82574: legacy ones, and for frames with a partial checksum extended
 * ones ("TCP/IP context", "TCP/IP data"). The legacy way to insert a checksum is not used: not all
 * emulated cards know it.
 *
 * Spec: 82574 Datasheet 7.1.4, 7.2.10.1 to 7.2.10.3; 8254x SDM "Receive Descriptor", "Legacy
 * Transmit Descriptor Format", "TCP/IP Context Transmit Descriptor Format", "TCP/IP Data Descriptor
 * Format".
 */
#include "drivers/net/e1000_desc.h"

#include "drivers/net/inet.h"

/* Receive: length 15:0, status 39:32, errors 47:40. */
#define RX_LENGTH     0xffffull
#define RX_DONE       BIT(32)
#define RX_EOP        BIT(33) /* end of packet */
#define RX_IXSM       BIT(34) /* ignore what it says about checksums */
#define RX_TCPCS      BIT(37) /* TCP or UDP checksum was checked */
#define RX_TCPE       BIT(45) /* and is wrong */
#define RX_IPE        BIT(46) /* the IP header's is wrong */
#define RX_ERRORS     (0xffull << 40)
#define RX_CSUM_WRONG (RX_TCPE | RX_IPE)

/* Transmit: length 19:0, type 23:20, command 31:24, status 39:32, options 47:40. */
#define TX_TYPE_DATA BIT(20) /* extended; 0 is a context */
#define TX_CMD_IFCS  BIT(25) /* insert FCS */
#define TX_CMD_TSE   BIT(26) /* to be cut; in the context, too */
#define TX_CMD_DEXT  BIT(29) /* extended */
#define TX_OPT_IXSM  BIT(40) /* insert IPv4 checksum */
#define TX_OPT_TXSM  BIT(41) /* insert TCP or UDP checksum */

/* Context: where sums begin (IPCSS, TUCSS), go (IPCSO, TUCSO), end (IPCSE, TUCSE; 0: with the
 * frame). Of a segment also: bytes of payload 19:0, what it is, bytes of headers and of payload in
 * each frame. */
#define CONTEXT_IPCSO_SHIFT  8u
#define CONTEXT_IPCSE_SHIFT  16u
#define CONTEXT_TUCSS_SHIFT  32u
#define CONTEXT_TUCSO_SHIFT  40u
#define CONTEXT_FIELD_MAX    0xffu
#define CONTEXT_TCP          BIT(24)
#define CONTEXT_IPV4         BIT(25)
#define CONTEXT_HDRLEN_SHIFT 40u
#define CONTEXT_MSS_SHIFT    48u

_Static_assert(NET_TCP_HEADERS_MAX <= CONTEXT_FIELD_MAX, "all headers of a segment in a field");

static struct e1000_frame rx_parse(u64 word)
{
    return (struct e1000_frame){
        .len = (u16)(word & RX_LENGTH),
        .is_last = (word & RX_EOP) != 0,
        .is_bad = (word & RX_ERRORS & ~RX_CSUM_WRONG) != 0,
        .csum_ok = (word & (RX_IXSM | RX_TCPCS | RX_CSUM_WRONG)) == RX_TCPCS,
    };
}

static u64 tx_data(const struct pktbuf *pkt)
{
    u64 word = pkt->len | TX_CMD_IFCS;

    if (pkt->csum == PKTBUF_CSUM_PARTIAL)
        word |= TX_CMD_DEXT | TX_TYPE_DATA | TX_OPT_TXSM;
    return word;
}

static bool tx_context(const struct pktbuf *pkt, struct e1000_desc *out)
{
    u32 field = (u32)pkt->csum_start + pkt->csum_offset;

    if (field > CONTEXT_FIELD_MAX)
        return false;
    out->address = (u64)pkt->csum_start << CONTEXT_TUCSS_SHIFT | (u64)field << CONTEXT_TUCSO_SHIFT;
    out->word = TX_CMD_DEXT;
    return true;
}

/* Spec: 82574 Datasheet 7.2.10.2, 7.3 "TCP Segmentation"; 8254x SDM "TCP Segmentation". */
static struct e1000_desc segment_context(const struct net_join *join)
{
    const struct net_tcp *place = &join->place;
    u32 sum_at = place->ip_at + IPV4_CSUM_AT, tcp_sum_at = place->tcp_at + TCP_CSUM_AT;
    struct e1000_desc out;

    out.address = place->ip_at | (u64)place->tcp_at << CONTEXT_TUCSS_SHIFT |
                  (u64)tcp_sum_at << CONTEXT_TUCSO_SHIFT;
    out.word = TX_CMD_DEXT | TX_CMD_TSE | CONTEXT_TCP | join->payload |
               (u64)place->header_bytes << CONTEXT_HDRLEN_SHIFT |
               (u64)join->mss << CONTEXT_MSS_SHIFT;
    if (!place->is_ipv6) {
        out.address |= sum_at << CONTEXT_IPCSO_SHIFT | (place->tcp_at - 1u) << CONTEXT_IPCSE_SHIFT;
        out.word |= CONTEXT_IPV4;
    }
    return out;
}

static u64 segment_data(const struct net_join *join, u32 bytes, bool is_first unused)
{
    u64 word = bytes | TX_TYPE_DATA | TX_CMD_IFCS | TX_CMD_TSE | TX_CMD_DEXT | TX_OPT_TXSM;

    return join->place.is_ipv6 ? word : word | TX_OPT_IXSM;
}

const struct e1000_format e1000_legacy = {
    .rx_done = RX_DONE,
    .rx_parse = rx_parse,
    .tx_data = tx_data,
    .tx_context = tx_context,
    .segment_context = segment_context,
    .segment_data = segment_data,
};
