/* SPDX-License-Identifier: BSD-2-Clause */
/* An internet address of either family: IPv6, or IPv4 as IPv6 maps it. Spec: RFC 4291 2.5.5.2. */
#ifndef SOCLE_NET_INET_ADDRESS_H
#define SOCLE_NET_INET_ADDRESS_H

#include "core/lib/types.h"

/* A number: its 128 bits in the order they are written. All zero: none. */
struct inet_address {
    u64 hi, lo;
};

#define INET_V4_MAPPED 0x0000ffff00000000ull

static inline struct inet_address inet_v4(u32 ip)
{
    return (struct inet_address){.lo = INET_V4_MAPPED | ip};
}

static inline bool inet_is_v4(struct inet_address a)
{
    return a.hi == 0 && a.lo >> 32 == INET_V4_MAPPED >> 32;
}

/* Requires inet_is_v4. */
static inline u32 inet_v4_of(struct inet_address a)
{
    return (u32)a.lo;
}

static inline bool inet_same(struct inet_address a, struct inet_address b)
{
    return ((a.hi ^ b.hi) | (a.lo ^ b.lo)) == 0;
}

static inline bool inet_is_none(struct inet_address a)
{
    return (a.hi | a.lo) == 0;
}

/* ff00::/8 */
static inline bool inet_is_multicast_v6(struct inet_address a)
{
    return a.hi >> 56 == 0xff;
}

/* fe80::/10 */
static inline bool inet_is_link_local_v6(struct inet_address a)
{
    return a.hi >> 54 == 0xfe80 >> 6;
}

#endif
