/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 packets in frames: checked once, then read through a view; headers rewritten and built. */
#ifndef SOCLE_NET_NAT_IPV4_H
#define SOCLE_NET_NAT_IPV4_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/inet.h"
#include "drivers/net/pktbuf.h"

struct ipv4_view {
    u8 *ip;
    u8 *l4; /* first byte after the IP header */
    u16 l4_bytes;
    u32 src, dst;
    u8 protocol;
    bool has_ports;         /* a whole transport header is there; else a later fragment */
    bool is_fragment;       /* first or later */
    u16 src_port, dst_port; /* an ICMP echo has its identifier in both */
};

/* Addresses and ports a packet is to have. */
struct ipv4_ends {
    u32 src, dst;
    u16 src_port, dst_port;
};

/*
 * Looks at the IPv4 packet of a frame whose EtherType says so; cuts Ethernet's padding off.
 * Return: 0; -EPROTO: lengths, checksum or version are wrong, it has options, or it is a fragment
 * that does not hold the transport header it begins.
 */
int ipv4_read(struct pktbuf *pkt, struct ipv4_view *view) must_check;

/* Rewrites addresses and ports in place; keeps all checksums right, partial ones too. */
void ipv4_rewrite(struct pktbuf *pkt, struct ipv4_view *view, const struct ipv4_ends *to);

/*
 * The same for the packet an ICMP error quotes: `bytes` of it are there, at least its IP header and
 * 8 bytes, as ipv4_read_quote has checked. The checksum around it is the caller's.
 */
void ipv4_rewrite_quote(struct ipv4_view *quote, const struct ipv4_ends *to);

/* Return: 0; -EPROTO. The view's l4_bytes is what is quoted. */
int ipv4_read_quote(u8 *quote, u32 bytes, struct ipv4_view *view) must_check;

/* One hop less. Requires a TTL above 1. */
void ipv4_ttl_decrement(u8 *ip);

/* Writes a header of 20 bytes for `l4_bytes` bytes behind it. */
void ipv4_header_write(u8 *ip, u32 src, u32 dst, u8 protocol, u32 l4_bytes);

/* Fills the checksum of the UDP datagram after the header at `ip`; its length is set already. */
void ipv4_udp_checksum(u8 *ip);

/* Fills the checksum of an ICMP message. */
void ipv4_icmp_checksum(u8 *icmp, u32 bytes);

#endif
