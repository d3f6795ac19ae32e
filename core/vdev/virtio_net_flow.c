/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows by addresses and ports. */
#include "core/vdev/virtio_net_flow.h"

#include "core/lib/compiler.h"
#include "drivers/net/inet.h"
#include "drivers/net/pktbuf.h"

#define TYPE_VLAN      0x8100u
#define IPV4_FRAGMENTS (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)

static u32 load32(const u8 *at)
{
    u32 word;

    __builtin_memcpy(&word, at, sizeof(word));
    return word;
}

/* Both ends of a flow give the same. */
static u32 ports_of(const u8 *l4, u32 bytes, u8 protocol)
{
    if ((protocol != IP_PROTOCOL_TCP && protocol != IP_PROTOCOL_UDP) || bytes < 4)
        return 0;
    return (u32)(inet_load16(l4) ^ inet_load16(l4 + 2));
}

static u32 ipv4_word(const u8 *ip, u32 bytes)
{
    u32 header = (ip[0] & 0xfu) * 4u;
    u32 word = load32(ip + IPV4_SRC_AT) ^ load32(ip + IPV4_DST_AT);

    if ((inet_load16(ip + IPV4_FRAGMENT_AT) & IPV4_FRAGMENTS) != 0 || bytes < header)
        return word;
    return word ^ ports_of(ip + header, bytes - header, ip[IPV4_PROTOCOL_AT]);
}

static u32 ipv6_word(const u8 *ip, u32 bytes)
{
    u32 word = 0;

    for (u32 i = 0; i < 16; i += 4)
        word ^= load32(ip + IPV6_SRC_AT + i) ^ load32(ip + IPV6_DST_AT + i);
    return word ^ ports_of(ip + IPV6_HEADER_BYTES, bytes - IPV6_HEADER_BYTES, ip[IPV6_NEXT_AT]);
}

/* Multiplicative: neighbouring addresses and ports spread. */
u32 net_flow_hash(const u8 *frame, u32 bytes)
{
    u32 at = ETHERNET_TYPE_AT, word = 0;

    if (bytes >= at + 6 && inet_load16(frame + at) == TYPE_VLAN)
        at += ETHERNET_VLAN_BYTES;
    if (bytes >= at + 2 + IPV4_HEADER_BYTES && inet_load16(frame + at) == ETHERNET_TYPE_IPV4)
        word = ipv4_word(frame + at + 2, bytes - at - 2);
    else if (bytes >= at + 2 + IPV6_HEADER_BYTES && inet_load16(frame + at) == ETHERNET_TYPE_IPV6)
        word = ipv6_word(frame + at + 2, bytes - at - 2);
    return word * 0x9e3779b1u >> 24;
}

_Static_assert(NET_FLOWS == 256, "the hash has 8 bits");

void net_steer_reset(struct net_steer *steer, u32 pairs)
{
    for (u32 i = 0; i < NET_FLOWS; i++)
        steer->pairs[i] = (u8)(i % pairs);
}

void net_steer_note(struct net_steer *steer, const u8 *frame, u32 bytes, u32 pair)
{
    steer->pairs[net_flow_hash(frame, bytes)] = (u8)pair;
}

u32 net_steer_find(const struct net_steer *steer, const u8 *frame, u32 bytes)
{
    return steer->pairs[net_flow_hash(frame, bytes)];
}
