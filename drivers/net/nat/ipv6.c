/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 headers. There is no walk along extension headers: a packet with one has no ports here, and
 * is dropped as one of a protocol without ports. So are fragments. Spec: RFC 8200 3, 4.
 */
#include "core/lib/errno.h"
#include "drivers/net/nat/ip_header.h"

#define IPV6_VERSION 6u

static struct inet_address load(const u8 *at)
{
    return (struct inet_address){.hi = inet_load64(at), .lo = inet_load64(at + 8)};
}

int ipv6_header_read(u8 *ip, u32 bytes, struct ip_view *view)
{
    if (bytes < IPV6_HEADER_BYTES || ip[0] >> 4 != IPV6_VERSION)
        return -EPROTO;
    *view = (struct ip_view){
        .ip = ip,
        .l4 = ip + IPV6_HEADER_BYTES,
        .l4_bytes = inet_load16(ip + IPV6_LENGTH_AT),
        .protocol = ip[IPV6_NEXT_AT],
        .is_ipv6 = true,
        .src = load(ip + IPV6_SRC_AT),
        .dst = load(ip + IPV6_DST_AT),
    };
    /* They would be taken for the other family's. Spec: RFC 6890 2.2.3, never on a wire. */
    return inet_is_v4(view->src) || inet_is_v4(view->dst) ? -EPROTO : 0;
}
