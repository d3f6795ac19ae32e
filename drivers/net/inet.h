/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields, constants and checksums of internet headers. */
#ifndef SOCLE_NET_INET_H
#define SOCLE_NET_INET_H

#include "core/lib/types.h"

#define ETHERNET_TYPE_AT   12u
#define ETHERNET_TYPE_IPV4 0x0800u
#define ETHERNET_TYPE_ARP  0x0806u
#define ETHERNET_TYPE_IPV6 0x86ddu

#define IP_PROTOCOL_ICMP   1u
#define IP_PROTOCOL_TCP    6u
#define IP_PROTOCOL_UDP    17u
#define IP_PROTOCOL_ICMPV6 58u

/* Offsets in an IPv4 header. Spec: RFC 791 3.1. */
#define IPV4_TOTAL_AT        2u
#define IPV4_ID_AT           4u
#define IPV4_FRAGMENT_AT     6u
#define IPV4_TTL_AT          8u
#define IPV4_PROTOCOL_AT     9u
#define IPV4_CSUM_AT         10u
#define IPV4_SRC_AT          12u
#define IPV4_DST_AT          16u
#define IPV4_HEADER_BYTES    20u /* without options */
#define IPV4_DONT_FRAGMENT   0x4000u
#define IPV4_MORE_FRAGMENTS  0x2000u
#define IPV4_FRAGMENT_OFFSET 0x1fffu /* in units of 8 bytes */

/* Offsets in an IPv6 header. Spec: RFC 8200 3. */
#define IPV6_LENGTH_AT    4u /* length of what follows the header */
#define IPV6_NEXT_AT      6u
#define IPV6_HOPS_AT      7u
#define IPV6_SRC_AT       8u
#define IPV6_DST_AT       24u
#define IPV6_HEADER_BYTES 40u
#define IPV6_MTU_MIN      1280u

#define TCP_HEADER_BYTES 20u
#define TCP_FLAGS_AT     13u
#define TCP_CSUM_AT      16u
#define TCP_FIN          0x01u
#define TCP_SYN          0x02u
#define TCP_RST          0x04u
#define TCP_ACK          0x10u

#define UDP_HEADER_BYTES 8u
#define UDP_LENGTH_AT    4u
#define UDP_CSUM_AT      6u

#define ICMP_HEADER_BYTES 8u
#define ICMP_CSUM_AT      2u
#define ICMP_ID_AT        4u

static inline u16 inet_load16(const u8 *at)
{
    return (u16)(at[0] << 8 | at[1]);
}

static inline void inet_store16(u8 *at, u16 value)
{
    at[0] = (u8)(value >> 8);
    at[1] = (u8)value;
}

static inline u32 inet_load32(const u8 *at)
{
    return (u32)inet_load16(at) << 16 | inet_load16(at + 2);
}

static inline void inet_store32(u8 *at, u32 value)
{
    inet_store16(at, (u16)(value >> 16));
    inet_store16(at + 2, (u16)value);
}

static inline u64 inet_load64(const u8 *at)
{
    return (u64)inet_load32(at) << 32 | inet_load32(at + 4);
}

static inline void inet_store64(u8 *at, u64 value)
{
    inet_store32(at, (u32)(value >> 32));
    inet_store32(at + 4, (u32)value);
}

/* One's complement addition. Spec: RFC 1071. */
static inline u16 inet_add(u16 a, u16 b)
{
    u32 sum = (u32)a + b;

    return (u16)(sum + (sum >> 16));
}

/* The one's complement sum of the bytes, an odd last one as the high half of a word. */
u16 inet_sum(const u8 *at, u32 bytes);

/* The sum `sum` after a word it covers changed. Spec: RFC 1624 3. */
static inline u16 inet_sum_replace(u16 sum, u16 old_word, u16 new_word)
{
    return inet_add(inet_add(sum, (u16)~old_word), new_word);
}

#endif
