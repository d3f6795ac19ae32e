/* SPDX-License-Identifier: BSD-2-Clause */
/* The two families' headers, for ip.c. */
#ifndef SOCLE_NET_NAT_IP_HEADER_H
#define SOCLE_NET_NAT_IP_HEADER_H

#include "drivers/net/nat/ip.h"

#define ICMP_ECHO_REPLY        0u
#define ICMP_UNREACHABLE       3u
#define ICMP_ECHO              8u
#define ICMP_TIME_EXCEEDED     11u
#define ICMP_PARAMETER_PROBLEM 12u

/* Spec: RFC 4443 2.1: errors are below 128, of which these are defined. */
#define ICMPV6_UNREACHABLE       1u
#define ICMPV6_PARAMETER_PROBLEM 4u
#define ICMPV6_ECHO              128u
#define ICMPV6_ECHO_REPLY        129u

/*
 * The fixed fields of a header of which `bytes` bytes are there, more or less than the packet has;
 * no ports. Return: 0; -EPROTO.
 */
int ipv4_header_read(u8 *ip, u32 bytes, struct ip_view *view) must_check;
int ipv6_header_read(u8 *ip, u32 bytes, struct ip_view *view) must_check;

/* The header's checksum, and what part of a datagram it is. Return: 0; -EPROTO. */
int ipv4_header_check(struct ip_view *view) must_check;

/* Bytes of a transport header that ports are read from. */
u16 ip_l4_header_bytes(u8 protocol);

#endif
