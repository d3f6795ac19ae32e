/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 addresses of the inside network: guests make them, from the gateway's prefix and for the
 * link, and use several at a time.
 *
 * Who uses an address first has it, until it uses NAT_HOST_OWN6 others after that. One made of the
 * MAC of a NIC is that NIC's, whoever used it before; the others cannot be guessed (RFC 7217,
 * RFC 8981).
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define EUI64_MIDDLE      0xfffeull /* between the MAC's halves */
#define EUI64_MIDDLE_AT   24u
#define EUI64_LOCAL       (1ull << 57) /* the MAC's bit, inverted */
#define SUBNET_ROUTERS_ID 0ull

/* In use for so short a time, an address does not go for another: that costs a walk along all the
 * NIC's connections. */
#define KEEP_NS (5 * NS_PER_S)

/* Spec: RFC 4291 appendix A "Creating Modified EUI-64 Format Interface Identifiers". */
static u64 eui64_of(const u8 mac[6])
{
    u64 high = (u64)mac[0] << 16 | (u64)mac[1] << 8 | mac[2];
    u64 low = (u64)mac[3] << 16 | (u64)mac[4] << 8 | mac[5];

    return (high << 40 | EUI64_MIDDLE << EUI64_MIDDLE_AT | low) ^ EUI64_LOCAL;
}

/* The other NIC whose MAC such an identifier is made of. */
static bool is_of_another_mac(const struct nat *nat, const struct nat_host *host, u64 id)
{
    u64 bits = id ^ EUI64_LOCAL;
    const u8 mac[6] = {(u8)(bits >> 56), (u8)(bits >> 48), (u8)(bits >> 40),
                       (u8)(bits >> 16), (u8)(bits >> 8),  (u8)bits};
    const struct nat_host *other = NULL;

    if ((id >> EUI64_MIDDLE_AT & 0xffff) == EUI64_MIDDLE)
        other = nat_host_find(nat, mac);
    return other && other != host;
}

static struct nat_own6 *find(struct nat_host *host, struct inet_address ip)
{
    for (u32 i = 0; i < NAT_HOST_OWN6; i++)
        if (inet_same(host->own6[i].ip, ip))
            return &host->own6[i];
    return NULL;
}

static bool is_usable(const struct nat *nat, struct inet_address ip)
{
    bool is_on_link = inet_is_link_local_v6(ip) && ip.hi << 10 == 0;

    return (nat_is_inside(nat, ip) || is_on_link) && !nat_is_gateway(nat, ip) &&
           ip.lo != SUBNET_ROUTERS_ID;
}

static void take_away(struct nat *nat, struct nat_host *host, struct nat_own6 *own)
{
    if (!inet_is_none(own->ip))
        nat_host_clear(nat, host, own->ip);
    *own = (struct nat_own6){0};
}

/* Another NIC has it and may keep it. */
static bool is_taken(struct nat *nat, const struct nat_host *host, struct inet_address ip)
{
    for (u32 i = 0; i < NAT_HOSTS; i++) {
        struct nat_own6 *own = nat->hosts[i].is_used ? find(&nat->hosts[i], ip) : NULL;

        if (own && ip.lo != eui64_of(host->mac))
            return true;
        if (own)
            take_away(nat, &nat->hosts[i], own);
    }
    return false;
}

/* NULL: all are in use. */
static struct nat_own6 *free_slot(const struct nat *nat, struct nat_host *host)
{
    struct nat_own6 *own = &host->own6[0];

    for (u32 i = 1; i < NAT_HOST_OWN6; i++)
        if (host->own6[i].used_ns < own->used_ns)
            own = &host->own6[i];
    return inet_is_none(own->ip) || nat->now_ns - own->used_ns >= KEEP_NS ? own : NULL;
}

bool nat_host_claims_v6(struct nat *nat, struct nat_host *host, struct inet_address ip)
{
    struct nat_own6 *own = inet_is_none(ip) ? NULL : find(host, ip);

    if (!own) {
        own = is_usable(nat, ip) ? free_slot(nat, host) : NULL;
        if (!own || is_of_another_mac(nat, host, ip.lo) || is_taken(nat, host, ip))
            return false;
        take_away(nat, host, own);
        own->ip = ip;
    }
    own->used_ns = nat->now_ns;
    nat->uses_ipv6 = true;
    return true;
}

struct inet_address nat_host_own_v6(const struct nat *nat, const struct nat_host *host)
{
    for (u32 i = 0; i < NAT_HOST_OWN6; i++)
        if (nat_is_inside(nat, host->own6[i].ip))
            return host->own6[i].ip;
    return (struct inet_address){0};
}
