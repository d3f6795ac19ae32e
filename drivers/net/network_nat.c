/* SPDX-License-Identifier: BSD-2-Clause */
/* What a network of kind nat may have inside: subnets and host ports beside those of the others. */
#include "core/lib/errno.h"
#include "drivers/net/inet.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/net_internal.h"

#define SUBNET_FIRST 0xc0a84d00u /* 192.168.77.0/24, then .78.0 … */
#define SUBNET_BYTES 0x100u
#define SUBNETS      178u /* up to 192.168.254.0 */
#define PREFIX_BITS  24u

static u32 mask_of(u8 bits)
{
    return ~0u << (32 - bits);
}

/* With another network inside, or with the host's own one outside. */
static bool is_taken(const struct network *old, u32 subnet, u8 prefix_bits)
{
    for (const struct network *n = network_first(); n; n = n->next) {
        const struct network_nat *nat = &n->cfg.nat;

        if (n != old && n->nat &&
            ((nat->subnet ^ subnet) & mask_of((u8)MIN(nat->prefix_bits, prefix_bits))) == 0)
            return true;
    }
    return nat_network_is_outside(subnet, mask_of(prefix_bits));
}

/* Addresses that hosts may have: no loopback, link-local, group or reserved ones. */
static bool is_usable(u32 subnet, u8 prefix_bits)
{
    u32 last = subnet | ~mask_of(prefix_bits);
    u32 top = subnet >> 24;

    return top != 0 && last >> 24 < 224 && !(top <= 127 && last >> 24 >= 127) &&
           !(subnet >> 16 <= 0xa9fe && last >> 16 >= 0xa9fe);
}

/* What it had, or the first of ours that is free. Return: 0, -ERANGE. */
static int choose_subnet(struct network_nat *nat, const struct network *old)
{
    if (old && old->nat) {
        nat->subnet = old->cfg.nat.subnet;
        nat->prefix_bits = old->cfg.nat.prefix_bits;
        return 0;
    }
    nat->prefix_bits = PREFIX_BITS;
    for (u32 i = 0; i < SUBNETS; i++) {
        nat->subnet = SUBNET_FIRST + i * SUBNET_BYTES;
        if (!is_taken(old, nat->subnet, nat->prefix_bits))
            return 0;
    }
    return -ERANGE;
}

static int check_subnet(const struct network_nat *nat, const struct network *old)
{
    if (nat->prefix_bits < NETWORK_PREFIX_MIN || nat->prefix_bits > NETWORK_PREFIX_MAX ||
        (nat->subnet & ~mask_of(nat->prefix_bits)) != 0 ||
        !is_usable(nat->subnet, nat->prefix_bits))
        return -EINVAL;
    return is_taken(old, nat->subnet, nat->prefix_bits) ? -ERANGE : 0;
}

/* The subnet is that of the network it replaces. */
static bool is_old_subnet(const struct network_nat *nat, const struct network *old)
{
    return old && old->nat && nat->subnet == old->cfg.nat.subnet &&
           nat->prefix_bits == old->cfg.nat.prefix_bits;
}

/* Without the subnet's own address, the gateway's and the one for all. */
static int settle_range(struct network_nat *nat, const struct network *old)
{
    u32 last = nat->subnet | ~mask_of(nat->prefix_bits);

    if (nat->range_first == 0 && is_old_subnet(nat, old)) {
        nat->range_first = old->cfg.nat.range_first;
        nat->range_last = old->cfg.nat.range_last;
    } else if (nat->range_first == 0) {
        nat->range_first = nat->subnet + 2;
        nat->range_last = last - 1;
    }
    return nat->range_first >= nat->subnet + 2 && nat->range_first <= nat->range_last &&
                   nat->range_last < last
               ? 0
               : -EINVAL;
}

static bool has_forward(const struct network_nat *nat, const struct nat_forward *forward)
{
    for (u32 i = 0; i < nat->forward_count; i++) {
        if (nat->forwards[i].protocol == forward->protocol &&
            nat->forwards[i].host_port == forward->host_port)
            return true;
    }
    return false;
}

/* All networks share the ports of the host's one address. What is in one list is checked there. */
static int check_forwards(const struct network_nat *nat, const struct network *old)
{
    if (nat->forward_count > NAT_FORWARDS)
        return -EINVAL;
    for (const struct network *n = network_first(); n; n = n->next) {
        for (u32 i = 0; n != old && n->nat && i < nat->forward_count; i++) {
            if (has_forward(&n->cfg.nat, &nat->forwards[i]))
                return -EEXIST;
        }
    }
    return 0;
}

int network_nat_settle(struct network_config *cfg, const struct network *old)
{
    struct network_nat *nat = &cfg->nat;
    int rc = 0;

    if (nat->subnet == 0)
        rc = choose_subnet(nat, old);
    else if (!is_old_subnet(nat, old)) /* what it has it may keep, even if the uplink moved there */
        rc = check_subnet(nat, old);
    if (rc == 0)
        rc = settle_range(nat, old);
    return rc ? rc : check_forwards(nat, old);
}
