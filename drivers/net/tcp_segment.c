/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP segments cut into frames, and frames joined. */
#include "drivers/net/tcp_segment.h"

#include "core/lib/string.h"
#include "drivers/net/inet.h"

#define TYPE_VLAN          0x8100u
#define IPV6_ADDRESS_BYTES 32u /* both */
#define IPV4_ADDRESS_BYTES 8u
#define IPV4_FRAGMENTS     (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)
#define TCP_SEQ_AT         4u
#define TCP_ACK_AT         8u
#define TCP_OFFSET_AT      12u
#define TCP_WINDOW_AT      14u
#define TCP_URGENT_AT      18u
#define TCP_PSH            0x08u
#define TCP_CWR            0x80u

/* Return: bytes of the IP header; 0: not one with TCP behind it. */
static u32 parse_ip(const u8 *ip, u32 bytes, bool is_ipv6)
{
    u32 header = (ip[0] & 0xfu) * 4u;

    if (is_ipv6)
        return bytes >= IPV6_HEADER_BYTES && ip[0] >> 4 == 6 && ip[IPV6_NEXT_AT] == IP_PROTOCOL_TCP
                   ? IPV6_HEADER_BYTES
                   : 0;
    if (ip[0] >> 4 != 4 || header < IPV4_HEADER_BYTES || bytes < header ||
        ip[IPV4_PROTOCOL_AT] != IP_PROTOCOL_TCP ||
        (inet_load16(ip + IPV4_FRAGMENT_AT) & IPV4_FRAGMENTS) != 0)
        return 0;
    return header;
}

bool net_tcp_parse(const u8 *frame, u32 bytes, struct net_tcp *out)
{
    u32 ip_at = ETHERNET_HEADER_BYTES, tcp_at, ip_bytes, tcp_bytes;
    u16 type;

    if (bytes < ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES + IPV4_HEADER_BYTES)
        return false;
    type = inet_load16(frame + ETHERNET_TYPE_AT);
    if (type == TYPE_VLAN) {
        ip_at += ETHERNET_VLAN_BYTES;
        type = inet_load16(frame + ETHERNET_TYPE_AT + ETHERNET_VLAN_BYTES);
    }
    if (type != ETHERNET_TYPE_IPV4 && type != ETHERNET_TYPE_IPV6)
        return false;
    ip_bytes = parse_ip(frame + ip_at, bytes - ip_at, type == ETHERNET_TYPE_IPV6);
    tcp_at = ip_at + ip_bytes;
    if (ip_bytes == 0 || bytes < tcp_at + TCP_HEADER_BYTES)
        return false;
    tcp_bytes = (u32)(frame[tcp_at + TCP_OFFSET_AT] >> 4) * 4u;
    if (tcp_bytes < TCP_HEADER_BYTES || bytes < tcp_at + tcp_bytes)
        return false;
    *out = (struct net_tcp){
        .ip_at = (u16)ip_at,
        .tcp_at = (u16)tcp_at,
        .header_bytes = (u16)(tcp_at + tcp_bytes),
        .is_ipv6 = type == ETHERNET_TYPE_IPV6,
    };
    return true;
}

/* Sets the length of the IP packet, and a new identifier for IPv4; `old` checksums stay right or
 * wrong, as they were. */
static void set_ip(u8 *ip, bool is_ipv6, u32 ip_bytes, u16 id)
{
    u16 sum;

    if (is_ipv6) {
        inet_store16(ip + IPV6_LENGTH_AT, (u16)(ip_bytes - IPV6_HEADER_BYTES));
        return;
    }
    sum = (u16)~inet_load16(ip + IPV4_CSUM_AT);
    sum = inet_sum_replace(sum, inet_load16(ip + IPV4_TOTAL_AT), (u16)ip_bytes);
    sum = inet_sum_replace(sum, inet_load16(ip + IPV4_ID_AT), id);
    inet_store16(ip + IPV4_TOTAL_AT, (u16)ip_bytes);
    inet_store16(ip + IPV4_ID_AT, id);
    inet_store16(ip + IPV4_CSUM_AT, (u16)~sum);
}

/* -- cutting ----------------------------------------------------------------------------------- */

bool net_cut_begin(struct net_cut *cut, const struct net_cut_wish *wish, u32 mtu)
{
    u32 bytes = MIN(wish->frame_bytes, NET_TCP_HEADERS_MAX);

    if (!net_tcp_parse(cut->headers, bytes, &cut->place) || cut->place.is_ipv6 != wish->is_ipv6 ||
        wish->csum_start != cut->place.tcp_at || wish->csum_offset != TCP_CSUM_AT ||
        wish->mss < NET_TCP_MSS_MIN ||
        (u32)cut->place.header_bytes - cut->place.ip_at + wish->mss > mtu ||
        wish->frame_bytes - cut->place.ip_at > NET_TCP_IP_MAX)
        return false;
    cut->mss = wish->mss;
    cut->payload = wish->frame_bytes - cut->place.header_bytes;
    cut->done = 0;
    return true;
}

/* What belongs to the end is in the last piece only, what belongs to the beginning in the first. */
static u8 flags_of_piece(u8 flags, bool is_first, bool is_last)
{
    if (!is_first)
        flags &= (u8)~TCP_CWR;
    if (!is_last)
        flags &= (u8) ~(TCP_FIN | TCP_PSH);
    return flags;
}

u32 net_cut_next(struct net_cut *cut, u8 *at, u32 *from)
{
    const struct net_tcp *place = &cut->place;
    u8 *ip = at + place->ip_at, *tcp = at + place->tcp_at;
    u32 bytes = MIN(cut->payload - cut->done, (u32)cut->mss);
    u32 header = (u32)place->header_bytes - place->tcp_at;
    u16 sum;

    memcpy(at, cut->headers, place->header_bytes);
    set_ip(ip, place->is_ipv6, place->header_bytes + bytes - place->ip_at,
           (u16)(inet_load16(ip + IPV4_ID_AT) + cut->done / cut->mss));
    sum = inet_sum_replace(inet_load16(tcp + TCP_CSUM_AT), (u16)(header + cut->payload),
                           (u16)(header + bytes));
    inet_store16(tcp + TCP_CSUM_AT, sum);
    inet_store32(tcp + TCP_SEQ_AT, inet_load32(tcp + TCP_SEQ_AT) + cut->done);
    tcp[TCP_FLAGS_AT] =
        flags_of_piece(tcp[TCP_FLAGS_AT], cut->done == 0, cut->done + bytes == cut->payload);
    *from = place->header_bytes + cut->done;
    cut->done += bytes;
    return bytes;
}

/* -- joining ----------------------------------------------------------------------------------- */

static bool is_partial_tcp(const struct pktbuf *pkt, const struct net_tcp *place)
{
    return pkt->csum == PKTBUF_CSUM_PARTIAL && pkt->csum_start == place->tcp_at &&
           pkt->csum_offset == TCP_CSUM_AT;
}

/* Whether a frame with TCP at this place is data and nothing else, without padding, and with a
 * checksum that is known to be right. */
static bool is_plain(const struct pktbuf *pkt, const struct net_tcp *place)
{
    const u8 *frame = pktbuf_data(pkt), *ip = frame + place->ip_at;
    u32 ip_bytes = place->is_ipv6 ? inet_load16(ip + IPV6_LENGTH_AT) + IPV6_HEADER_BYTES
                                  : inet_load16(ip + IPV4_TOTAL_AT);

    return (pkt->csum == PKTBUF_CSUM_VALID || is_partial_tcp(pkt, place)) &&
           pkt->len > place->header_bytes && ip_bytes == (u32)pkt->len - place->ip_at &&
           (frame[place->tcp_at + TCP_FLAGS_AT] & ~TCP_PSH) == TCP_ACK;
}

/* It may be the last one: shorter than those before, or one its sender wants to be seen at once. */
static void note_end(struct net_join *join, const u8 *tcp, u32 bytes)
{
    join->is_pushed = (tcp[TCP_FLAGS_AT] & TCP_PSH) != 0;
    join->is_closed = join->is_pushed || bytes < join->mss;
}

bool net_join_begin(struct net_join *join, const struct pktbuf *pkt)
{
    struct net_tcp place;

    if (pkt->csum == PKTBUF_CSUM_UNKNOWN || !net_tcp_parse(pktbuf_data(pkt), pkt->len, &place) ||
        !is_plain(pkt, &place))
        return false;
    *join = (struct net_join){
        .place = place,
        .first = pktbuf_data(pkt),
        .mss = (u16)(pkt->len - place.header_bytes),
        .payload = (u32)pkt->len - place.header_bytes,
        .count = 1,
    };
    note_end(join, join->first + place.tcp_at, join->mss);
    return !join->is_closed;
}

static bool same(const u8 *a, const u8 *b, u32 from, u32 to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

/* The IPv4 identifier means nothing in packets that are no fragments and may not become any. */
static bool same_ipv4(const u8 *a, const u8 *b, u32 nth)
{
    bool is_whole = (inet_load16(a + IPV4_FRAGMENT_AT) & IPV4_DONT_FRAGMENT) != 0;

    return inet_load32(a + IPV4_FRAGMENT_AT) == inet_load32(b + IPV4_FRAGMENT_AT) &&
           (is_whole || inet_load16(b + IPV4_ID_AT) == (u16)(inet_load16(a + IPV4_ID_AT) + nth));
}

static bool same_ipv6(const u8 *a, const u8 *b)
{
    return inet_load32(a) == inet_load32(b) &&
           inet_load16(a + IPV6_NEXT_AT) == inet_load16(b + IPV6_NEXT_AT);
}

/* Besides the sequence number: what is between it and the options. */
static bool same_tcp(const u8 *a, const u8 *b)
{
    return inet_load32(a + TCP_ACK_AT) == inet_load32(b + TCP_ACK_AT) &&
           a[TCP_OFFSET_AT] == b[TCP_OFFSET_AT] &&
           inet_load16(a + TCP_WINDOW_AT) == inet_load16(b + TCP_WINDOW_AT);
}

/* The headers are as long as the first frame's, and say the same: so they need no parsing. */
static bool same_flow(const struct net_join *join, const u8 *frame)
{
    const struct net_tcp *place = &join->place;
    const u8 *first = join->first;
    u32 ip_at = place->ip_at, tcp_at = place->tcp_at;

    return same(first, frame, 0, ip_at + IPV4_TOTAL_AT) &&
           (place->is_ipv6 ? same_ipv6(first + ip_at, frame + ip_at)
                           : same_ipv4(first + ip_at, frame + ip_at, join->count)) &&
           same(first, frame, ip_at + (place->is_ipv6 ? IPV6_SRC_AT : IPV4_SRC_AT),
                tcp_at + TCP_SEQ_AT) &&
           same_tcp(first + tcp_at, frame + tcp_at) &&
           same(first, frame, tcp_at + TCP_URGENT_AT, place->header_bytes) &&
           inet_load32(frame + tcp_at + TCP_SEQ_AT) ==
               inet_load32(first + tcp_at + TCP_SEQ_AT) + join->payload;
}

bool net_join_add(struct net_join *join, const struct pktbuf *pkt, u32 frame_max)
{
    const struct net_tcp *place = &join->place;
    u32 bytes, all;

    if (join->is_closed || pkt->len <= place->header_bytes)
        return false;
    bytes = (u32)pkt->len - place->header_bytes;
    all = place->header_bytes + join->payload + bytes;
    if (bytes > join->mss || all > frame_max || all - place->ip_at > NET_TCP_IP_MAX ||
        !same_flow(join, pktbuf_data(pkt)) || !is_plain(pkt, place))
        return false;
    join->payload += bytes;
    join->count++;
    note_end(join, pktbuf_data(pkt) + place->tcp_at, bytes);
    return true;
}

/* Of the pseudo header. */
static u16 pseudo_sum(const u8 *ip, bool is_ipv6, u16 tcp_bytes)
{
    const u8 *at = ip + (is_ipv6 ? IPV6_SRC_AT : IPV4_SRC_AT);
    u32 bytes = is_ipv6 ? IPV6_ADDRESS_BYTES : IPV4_ADDRESS_BYTES;
    u16 sum = inet_add(IP_PROTOCOL_TCP, tcp_bytes);

    for (u32 i = 0; i < bytes; i += 2)
        sum = inet_add(sum, inet_load16(at + i));
    return sum;
}

void net_join_headers(const struct net_join *join, u32 count, u8 *out)
{
    const struct net_tcp *place = &join->place;
    u8 *ip = out + place->ip_at, *tcp = out + place->tcp_at;
    bool is_all = count == join->count;
    u32 payload = is_all ? join->payload : count * join->mss;
    u32 all = place->header_bytes + payload;

    if (out != join->first)
        memcpy(out, join->first, place->header_bytes);
    set_ip(ip, place->is_ipv6, all - place->ip_at, inet_load16(ip + IPV4_ID_AT));
    inet_store16(tcp + TCP_CSUM_AT, pseudo_sum(ip, place->is_ipv6, (u16)(all - place->tcp_at)));
    if (is_all && join->is_pushed)
        tcp[TCP_FLAGS_AT] |= TCP_PSH;
}

void net_join_unsize(const struct net_join *join, u8 *headers)
{
    const struct net_tcp *place = &join->place;
    u8 *ip = headers + place->ip_at, *sum = headers + place->tcp_at + TCP_CSUM_AT;
    u16 tcp_bytes = (u16)(place->header_bytes - place->tcp_at + join->payload);

    inet_store16(sum, inet_sum_replace(inet_load16(sum), tcp_bytes, 0));
    if (place->is_ipv6) {
        inet_store16(ip + IPV6_LENGTH_AT, 0);
        return;
    }
    inet_store16(ip + IPV4_TOTAL_AT, 0);
    inet_store16(ip + IPV4_CSUM_AT, 0);
}
