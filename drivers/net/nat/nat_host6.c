/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 addresses of the inside network: guests make them, from the gateway's prefix and for the
 * link, and use several at a time.
 *
 * Who uses an address first has it, until it uses NAT_HOST_OWN6 others after that. One made of a
 * MAC is that MAC's, so nobody takes it away beforehand; the others cannot be guessed (RFC 7217,
 * RFC 8981).
 */
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

#define EUI64_MIDDLE      0xfffeull /* between the MAC's halves */
#define EUI64_MIDDLE_AT   24u
#define EUI64_LOCAL       (1ull << 57) /* the MAC's bit, inverted */
#define SUBNET_ROUTERS_IP 0ull

static bool is_eui64(u64 id)
{
    return (id >> EUI64_MIDDLE_AT & 0xffff) == EUI64_MIDDLE;
}

/* Spec: RFC 4291 appendix A "Creating Modified EUI-64 Format Interface Identifiers". */
static u64 eui64_of(const u8 mac[6])
{
    u64 high = (u64)mac[0] << 16 | (u64)mac[1] << 8 | mac[2];
    u64 low = (u64)mac[3] << 16 | (u64)mac[4] << 8 | mac[5];

    return (high << 40 | EUI64_MIDDLE << EUI64_MIDDLE_AT | low) ^ EUI64_LOCAL;
}

static struct nat_own6 *find(struct nat_host *host, struct inet_address ip)
{
    for (u32 i = 0; i < NAT_HOST_OWN6; i++)
        if (inet_same(host->own6[i].ip, ip))
            return &host->own6[i];
    return NULL;
}

static bool may_have(struct nat *nat, const struct nat_host *host, struct inet_address ip)
{
    if (!nat_is_inside(nat, ip) && !(inet_is_link_local_v6(ip) && ip.hi << 10 == 0))
        return false;
    if (nat_is_gateway(nat, ip) || ip.lo == SUBNET_ROUTERS_IP ||
        (is_eui64(ip.lo) && ip.lo != eui64_of(host->mac)))
        return false;
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used && find(&nat->hosts[i], ip))
            return false;
    return true;
}

bool nat_host_claims_v6(struct nat *nat, struct nat_host *host, struct inet_address ip)
{
    struct nat_own6 *own;

    if (inet_is_none(ip))
        return false;
    own = find(host, ip);
    if (!own) {
        if (!may_have(nat, host, ip))
            return false;
        own = &host->own6[0];
        for (u32 i = 1; i < NAT_HOST_OWN6; i++)
            if (host->own6[i].used_ns < own->used_ns)
                own = &host->own6[i];
        if (!inet_is_none(own->ip))
            nat_host_clear(nat, host, own->ip);
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
