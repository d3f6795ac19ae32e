/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NICs of the inside network, known by their MAC, which the switch lets no guest forge; each has
 * one IPv4 address, by DHCP or its own choice as long as nobody else has it (IPv6: nat_host6.c).
 */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/nat/nat_impl.h"

/* A NIC that nobody announced may be forgotten for another after this time. */
#define FORGET_NS (300 * NS_PER_S)

static u32 bucket_of(const struct nat *nat, const u8 mac[6])
{
    return (u32)(siphash(&nat->cfg.secret, mac, 6) % NAT_HOSTS);
}

struct nat_host *nat_host_find(const struct nat *nat, const u8 mac[6])
{
    struct nat_host *host = nat->hosts_by_mac[bucket_of(nat, mac)];

    while (host && memcmp(host->mac, mac, sizeof(host->mac)) != 0)
        host = host->next;
    return host;
}

static void forget(struct nat *nat, struct nat_host *host)
{
    struct nat_host **at = &nat->hosts_by_mac[bucket_of(nat, host->mac)];

    nat_host_clear(nat, host, (struct inet_address){0});
    while (*at != host)
        at = &(*at)->next;
    *at = host->next;
    host->is_used = false;
}

/* A free entry, or that of a NIC nobody announced: seen long ago, or whenever it `must` be. */
static struct nat_host *take_entry(struct nat *nat, bool must)
{
    struct nat_host *oldest = NULL;

    for (u32 i = 0; i < NAT_HOSTS; i++) {
        struct nat_host *host = &nat->hosts[i];

        if (!host->is_used)
            return host;
        if (!host->is_added && (must || nat->now_ns - host->seen_ns >= FORGET_NS) &&
            (!oldest || host->seen_ns < oldest->seen_ns))
            oldest = host;
    }
    if (oldest)
        forget(nat, oldest);
    return oldest;
}

static struct nat_host *get(struct nat *nat, const u8 mac[6], bool must)
{
    struct nat_host *host = nat_host_find(nat, mac), **at;

    if (!host) {
        host = take_entry(nat, must);
        if (!host)
            return NULL;
        *host = (struct nat_host){.is_used = true};
        memcpy(host->mac, mac, sizeof(host->mac));
        for (u32 state = 0; state < NAT_STATES; state++)
            list_init(&host->conns[state]);
        at = &nat->hosts_by_mac[bucket_of(nat, mac)];
        host->next = *at;
        *at = host;
    }
    host->seen_ns = nat->now_ns;
    return host;
}

struct nat_host *nat_host_get(struct nat *nat, const u8 mac[6])
{
    return get(nat, mac, false);
}

struct nat_host *nat_host_by_ip(struct nat *nat, u32 ip)
{
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used && nat->hosts[i].ip == ip)
            return &nat->hosts[i];
    return NULL;
}

static u8 lower(char c)
{
    return (u8)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool name_is(const char *name, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (lower(name[i]) != lower(text[i])) /* ends at name's terminator at the latest */
            return false;
    return name[length] == '\0';
}

struct nat_host *nat_host_by_vm(struct nat *nat, const char *vm, size_t length)
{
    if (length == 0 || length > NAT_NAME_MAX)
        return NULL;
    for (u32 i = 0; i < NAT_HOSTS; i++)
        if (nat->hosts[i].is_used && nat->hosts[i].is_added &&
            name_is(nat->hosts[i].vm, vm, length))
            return &nat->hosts[i];
    return NULL;
}

static bool claims_v4(struct nat *nat, struct nat_host *host, u32 ip)
{
    if (ip == host->ip)
        return ip != 0;
    if (!nat_is_inside(nat, inet_v4(ip)) || ip == nat->cfg.gateway || (ip & ~nat->netmask) == 0 ||
        (ip | nat->netmask) == ~0u || nat_host_by_ip(nat, ip))
        return false;
    nat_host_clear(nat, host, inet_v4(host->ip));
    host->ip = ip;
    host->lease_end_ns = 0;
    return true;
}

bool nat_host_claims(struct nat *nat, struct nat_host *host, struct inet_address ip)
{
    return inet_is_v4(ip) ? claims_v4(nat, host, inet_v4_of(ip))
                          : nat_host_claims_v6(nat, host, ip);
}

static bool is_of(struct inet_address ip, struct inet_address of)
{
    return inet_is_none(of) || inet_same(ip, of);
}

void nat_host_clear(struct nat *nat, struct nat_host *host, struct inet_address of)
{
    for (u32 state = 0; state < NAT_STATES; state++) {
        list_for_each_safe(node, next, &host->conns[state])
        {
            struct nat_conn *conn = list_entry(node, struct nat_conn, link);

            if (is_of(conn->inside, of))
                nat_conn_remove(nat, conn);
        }
    }
    for (u32 i = 0; i < NAT_FRAGMENTS; i++)
        if (nat->fragments[i].host == host)
            nat->fragments[i].host = NULL;
    for (u32 i = 0; i < NAT_QUERIES; i++) {
        if (nat->queries[i].host == host && is_of(nat->queries[i].inside, of)) {
            nat->queries[i].host = NULL;
            host->query_count--;
        }
    }
}

void nat_host_clear_family(struct nat *nat, struct nat_host *host, bool is_ipv6)
{
    if (!is_ipv6) {
        nat_host_clear(nat, host, inet_v4(host->ip));
        return;
    }
    for (u32 i = 0; i < NAT_HOST_OWN6; i++)
        if (!inet_is_none(host->own6[i].ip))
            nat_host_clear(nat, host, host->own6[i].ip);
}

int nat_host_add(struct nat *nat, const u8 mac[6], const char *vm)
{
    struct nat_host *host = get(nat, mac, true);

    if (!host)
        return -ENOSPC;
    host->is_added = true;
    (void)str_copy(host->vm, sizeof(host->vm), vm);
    return 0;
}

void nat_host_remove(struct nat *nat, const u8 mac[6])
{
    struct nat_host *host = nat_host_find(nat, mac);

    if (host)
        forget(nat, host);
}

u32 nat_host_address(const struct nat *nat, const u8 mac[6])
{
    const struct nat_host *host = nat_host_find(nat, mac);

    return host ? host->ip : 0;
}
