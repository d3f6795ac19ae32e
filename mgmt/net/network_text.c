/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds, addresses, subnets. */
#include "mgmt/net/network_text.h"

#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"
#include "mgmt/config/host_config.h"

static const char *const kinds[] = {
    [NETWORK_BRIDGE] = "bridge",
    [NETWORK_ISOLATED] = "isolated",
    [NETWORK_NAT] = "nat",
};

const char *network_kind_name(enum network_kind kind)
{
    return kinds[kind];
}

bool network_kind_parse(const char *text, enum network_kind *kind)
{
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(text, kinds[i]) == 0) {
            *kind = (enum network_kind)i;
            return true;
        }
    }
    return false;
}

bool ip_parse(const char *text, size_t length, u32 *ip)
{
    u32 wire;

    if (!ipv4_parse(text, length, &wire))
        return false;
    *ip = inet_load32((const u8 *)&wire);
    return true;
}

bool cidr_parse(const char *text, struct network_nat *nat)
{
    size_t length = 0;
    u32 bits = 0, digits = 0;

    while (text[length] && text[length] != '/')
        length++;
    if (!text[length] || !ip_parse(text, length, &nat->subnet))
        return false;
    for (const char *c = text + length + 1; *c; c++, digits++) {
        if (*c < '0' || *c > '9' || digits == 2)
            return false;
        bits = bits * 10 + (u32)(*c - '0');
    }
    nat->prefix_bits = (u8)bits;
    return digits > 0 && bits >= NETWORK_PREFIX_MIN && bits <= NETWORK_PREFIX_MAX &&
           nat->subnet != 0 && nat->subnet << bits == 0;
}

void ip_format(u32 ip, char text[IPV4_BYTES])
{
    ksnprintf(text, IPV4_BYTES, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xffu, ip >> 8 & 0xffu,
              ip & 0xffu);
}

void cidr_format(const struct network_nat *nat, char text[CIDR_BYTES])
{
    ip_format(nat->subnet, text);
    ksnprintf(text + strlen(text), CIDR_BYTES - strlen(text), "/%u", nat->prefix_bits);
}
