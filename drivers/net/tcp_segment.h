/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP segments larger than a frame, pure: one that a guest sends is cut into frames, and frames
 * that follow each other are joined to one that a guest receives, or a NIC cuts again.
 *
 * Inside the host only frames travel: limits, counters, NAT, captures and NICs see what would be on
 * a wire. Headers come from guests and from the network: they are looked at in a copy, and a frame
 * in which anything is unusual is neither cut nor joined.
 * Spec: RFC 9293 3.1, RFC 791 3.1, RFC 8200 3; Virtio 1.2, 5.1.6.
 */
#ifndef SOCLE_NET_TCP_SEGMENT_H
#define SOCLE_NET_TCP_SEGMENT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"

/* Ethernet with one tag, IPv4 with all its options, TCP with all of its. */
#define NET_TCP_HEADERS_MAX (14u + 4u + 60u + 60u)
/* The smallest segments that a sender is asked for (an MSS of 48, less 40 bytes of options). */
#define NET_TCP_MSS_MIN     8u
/* The longest IP packet. */
#define NET_TCP_IP_MAX      65535u

/* Where things are in a frame with a TCP segment. */
struct net_tcp {
    u16 ip_at;
    u16 tcp_at;
    u16 header_bytes; /* of all headers: the payload begins there */
    bool is_ipv6;
};

/*
 * Finds the headers in the first `bytes` of a frame. Return: false if it is no TCP segment over
 * IPv4 or IPv6 with its headers complete in these bytes, or is a fragment, or has extension headers
 * or more than one VLAN tag.
 */
bool net_tcp_parse(const u8 *frame, u32 bytes, struct net_tcp *out) must_check;

/* -- cutting ----------------------------------------------------------------------------------- */

struct net_cut {
    struct net_tcp place;
    u16 mss;
    u32 payload;                     /* bytes in all */
    u32 done;                        /* of them are in frames */
    u8 headers[NET_TCP_HEADERS_MAX]; /* as the guest gave them, read once */
};

/* What a guest says of a segment to be cut. */
struct net_cut_wish {
    bool is_ipv6;
    u16 mss;
    u16 csum_start, csum_offset;
    u32 frame_bytes; /* of all of it */
};

/*
 * Begins with the first bytes of the frame in cut->headers: all of NET_TCP_HEADERS_MAX, or as many
 * as the frame has. Return: false if the wish does not fit the frame, or the IP packets of the
 * pieces would be longer than `mtu`.
 */
bool net_cut_begin(struct net_cut *cut, const struct net_cut_wish *wish, u32 mtu) must_check;

/*
 * Writes the next frame's headers to `at`, with the pseudo header's sum as TCP's checksum. Return:
 * bytes of payload that belong behind them; in the guest's frame they are at *from.
 */
u32 net_cut_next(struct net_cut *cut, u8 *at, u32 *from);

/* Bytes of the next frame, with its headers. */
static inline u32 net_cut_next_bytes(const struct net_cut *cut)
{
    return cut->place.header_bytes + MIN(cut->payload - cut->done, (u32)cut->mss);
}

static inline bool net_cut_is_done(const struct net_cut *cut)
{
    return cut->done == cut->payload;
}

/* -- joining ----------------------------------------------------------------------------------- */

struct net_join {
    struct net_tcp place;
    const u8 *first; /* the first frame */
    bool is_closed;  /* nothing may follow */
    bool is_pushed;  /* PSH in the last one */
    u16 mss;         /* payload of each but the last */
    u32 payload;     /* so far */
    u32 count;       /* frames so far */
};

/*
 * Begins with a frame whose data must stay until net_join_headers. Return: false if nothing can
 * follow it.
 */
bool net_join_begin(struct net_join *join, const struct pktbuf *pkt) must_check;

/* Return: true if the frame follows, is part of it now, and all is no longer than `frame_max`. */
bool net_join_add(struct net_join *join, const struct pktbuf *pkt, u32 frame_max) must_check;

/*
 * The headers of the first `count` frames joined, place.header_bytes of them, with the pseudo
 * header's sum as TCP's checksum; count: up to join->count. `out` may be the first frame itself.
 */
void net_join_headers(const struct net_join *join, u32 count, u8 *out);

/*
 * Takes the length out of headers of net_join_headers: the packet's, and that in the sum of TCP's
 * pseudo header; IPv4's checksum, too. So cards want them that put these in for each frame.
 */
void net_join_unsize(const struct net_join *join, u8 *headers);

/* Of all frames as they would be on a wire. */
static inline u32 net_join_wire_bytes(const struct net_join *join)
{
    return join->count * join->place.header_bytes + join->payload;
}

#endif
