/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of IPv4: not put together. The first one has the ports and is translated like a whole
 * packet; what it was translated to is remembered for the others, which have none. Those that
 * overtake the first one are lost.
 */
#include "drivers/net/nat/nat_impl.h"

#define REMEMBER_NS (30 * NS_PER_S)

static struct nat_fragment *slot(struct nat *nat, const struct ip_view *view)
{
    u64 hash =
        siphash_words(&nat->cfg.secret, (u64)inet_v4_of(view->src) << 32 | inet_v4_of(view->dst),
                      (u64)view->protocol << 16 | inet_load16(view->ip + IPV4_ID_AT));

    return &nat->fragments[hash % NAT_FRAGMENTS];
}

void nat_fragment_remember(struct nat *nat, const struct ip_view *before,
                           struct inet_address new_src, struct inet_address new_dst,
                           struct nat_host *host)
{
    *slot(nat, before) = (struct nat_fragment){
        .src = before->src,
        .dst = before->dst,
        .new_src = new_src,
        .new_dst = new_dst,
        .host = host,
        .until_ns = nat->now_ns + REMEMBER_NS,
        .id = inet_load16(before->ip + IPV4_ID_AT),
        .protocol = before->protocol,
    };
}

const struct nat_fragment *nat_fragment_find(struct nat *nat, const struct ip_view *view)
{
    const struct nat_fragment *f = slot(nat, view);

    if (!f->host || nat->now_ns >= f->until_ns || !inet_same(f->src, view->src) ||
        !inet_same(f->dst, view->dst) || f->protocol != view->protocol ||
        f->id != inet_load16(view->ip + IPV4_ID_AT))
        return NULL;
    return f;
}
