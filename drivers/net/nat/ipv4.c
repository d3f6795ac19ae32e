/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 headers: what is accepted. Spec: RFC 791 3.1. */
#include "core/lib/errno.h"
#include "drivers/net/nat/ip_header.h"

#define IPV4_VERSION_IHL 0x45u /* version 4, no options */

int ipv4_header_read(u8 *ip, u32 bytes, struct ip_view *view)
{
    if (bytes < IPV4_HEADER_BYTES || ip[0] != IPV4_VERSION_IHL ||
        inet_load16(ip + IPV4_TOTAL_AT) < IPV4_HEADER_BYTES)
        return -EPROTO;
    *view = (struct ip_view){
        .ip = ip,
        .l4 = ip + IPV4_HEADER_BYTES,
        .l4_bytes = (u16)(inet_load16(ip + IPV4_TOTAL_AT) - IPV4_HEADER_BYTES),
        .protocol = ip[IPV4_PROTOCOL_AT],
        .src = inet_v4(inet_load32(ip + IPV4_SRC_AT)),
        .dst = inet_v4(inet_load32(ip + IPV4_DST_AT)),
    };
    return 0;
}

/*
 * A later fragment must not write over the header that the first one was judged by.
 * Spec: RFC 1858 3 "Filtering IP fragments".
 */
int ipv4_header_check(struct ip_view *view)
{
    u16 field = inet_load16(view->ip + IPV4_FRAGMENT_AT);
    u32 offset = (u32)(field & IPV4_FRAGMENT_OFFSET) * 8;

    if (inet_sum(view->ip, IPV4_HEADER_BYTES) != 0xffff)
        return -EPROTO;
    view->is_fragment = (field & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) != 0;
    view->has_ports = offset == 0;
    return offset != 0 && offset < ip_l4_header_bytes(view->protocol) ? -EPROTO : 0;
}
