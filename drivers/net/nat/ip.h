/* SPDX-License-Identifier: BSD-2-Clause */
/* IP packets of both families in frames: checked once, then read through a view; headers rewritten
 * and built. */
#ifndef SOCLE_NET_NAT_IP_H
#define SOCLE_NET_NAT_IP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/inet.h"
#include "drivers/net/inet_address.h"
#include "drivers/net/pktbuf.h"

/* What a message of ICMP or ICMPv6 is. */
enum ip_icmp {
    IP_NO_ICMP, /* another protocol, or a later fragment */
    IP_ICMP_ECHO,
    IP_ICMP_ECHO_REPLY,
    IP_ICMP_ERROR, /* quotes a packet */
    IP_ICMP_OTHER
};

struct ip_view {
    u8 *ip;
    u8 *l4; /* first byte after the IP header */
    u16 l4_bytes;
    u8 protocol; /* IPv6: an extension header's number, too */
    u8 icmp;     /* enum ip_icmp */
    bool is_ipv6;
    bool has_ports;         /* a whole transport header is there; else a later fragment */
    bool is_fragment;       /* first or later; IPv4 only */
    u16 src_port, dst_port; /* an ICMP echo has its identifier in both */
    struct inet_address src, dst;
};

/* Addresses and ports a packet is to have. */
struct ip_ends {
    struct inet_address src, dst;
    u16 src_port, dst_port;
};

/*
 * Looks at the IP packet of a frame whose EtherType, which is there, says so; cuts Ethernet's
 * padding off.
 * Return: 0; -EPROTO: lengths, checksum or version are wrong, IPv4 has options, IPv6 has IPv4's
 * addresses or no UDP checksum, or it is a fragment that does not hold the transport header it
 * begins.
 */
int ip_read(struct pktbuf *pkt, struct ip_view *view) must_check;

/* The packet an ICMP error of that family quotes. Return: 0; -EPROTO. The view's l4_bytes is what
 * is quoted. */
int ip_read_quote(u8 *quote, u32 bytes, bool is_ipv6, struct ip_view *view) must_check;

/* Rewrites addresses, of the packet's family, and ports in place; keeps all checksums right,
 * partial ones too. */
void ip_rewrite(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *to);

/*
 * The same for the packet an ICMP error quotes, as ip_read_quote has checked. The checksum around
 * it is the caller's.
 */
void ip_rewrite_quote(struct ip_view *quote, const struct ip_ends *to);

/*
 * Gives a whole UDP datagram the header of the other family with these ends; the checksum still
 * shows what was damaged before. Requires that the larger packet fits into a frame's buffer.
 */
void ip_change_family(struct pktbuf *pkt, struct ip_view *view, const struct ip_ends *to);

/* Hops the packet may still make; one less requires more than one. */
u8 ip_hops(const struct ip_view *view);
void ip_hops_decrement(struct ip_view *view);

static inline u32 ip_header_bytes(bool is_ipv6)
{
    return is_ipv6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES;
}

/* Writes a header of the addresses' family, without options, for `l4_bytes` bytes behind it. */
void ip_header_write(u8 *ip, struct inet_address src, struct inet_address dst, u8 protocol,
                     u32 l4_bytes);

/* Fills the checksum of the UDP datagram or ICMP message after the header at `ip`. */
void ip_checksum(u8 *ip);

/* The checksum of a packet with ICMP of either family is right; no partial one. */
bool ip_icmp_is_intact(const struct ip_view *view);

#endif
