/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the host's part of socle.dtb. */
#include "mgmt/config/host_config.h"

#include <libfdt.h>

#include "core/lib/dtb.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"

#define PREFIX_DEFAULT 24u

void host_config_default(struct host_config *cfg)
{
    *cfg = (struct host_config){
        .net = {.hostname = "socle", .dhcp = true},
        .tls = true,
        .has_keys = true,
        .port = TLS_PORT,
    };
}

bool ipv4_parse(const char *text, size_t len, u32 *address)
{
    u8 bytes[4];
    size_t at = 0;

    for (u32 i = 0; i < 4; i++) {
        u32 value = 0;
        size_t digits = 0;

        if (i && (at == len || text[at++] != '.'))
            return false;
        while (at < len && text[at] >= '0' && text[at] <= '9' && digits < 3) {
            value = value * 10 + (u32)(text[at++] - '0');
            digits++;
        }
        if (digits == 0 || value > 255)
            return false;
        bytes[i] = (u8)value;
    }
    memcpy(address, bytes, sizeof(bytes));
    return at == len;
}

bool hostname_is_valid(const char *name)
{
    size_t len = strnlen(name, HOSTNAME_MAX + 1);

    if (len == 0 || len > HOSTNAME_MAX || name[0] == '-' || name[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-')
            return false;
    }
    return true;
}

static u32 netmask_from(u32 prefix)
{
    return __builtin_bswap32(prefix ? 0xffffffffu << (32 - prefix) : 0);
}

bool ipv4_prefix_parse(const char *text, u32 *out, u32 *netmask)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    u32 prefix = 0;
    u32 address;

    if (!ipv4_parse(text, len, &address) || address == 0)
        return false;
    if (!slash) {
        prefix = PREFIX_DEFAULT;
    } else {
        for (const char *c = slash + 1; *c || c == slash + 1; c++) {
            if (*c < '0' || *c > '9' || c > slash + 2)
                return false;
            prefix = prefix * 10 + (u32)(*c - '0');
        }
    }
    if (prefix == 0 || prefix > 31)
        return false;
    *out = address;
    *netmask = netmask_from(prefix);
    return true;
}

u32 ipv4_prefix_bits(u32 netmask)
{
    return netmask ? 32 - (u32)__builtin_ctz(__builtin_bswap32(netmask)) : 0;
}

/* An address that a host may have, as far as it tells by itself; not in network byte order. */
static bool is_unicast(u32 address)
{
    u32 top = address >> 24;

    return top != 0 && top != 127 && top < 224;
}

/* In a subnet of more than two addresses the first and the last are nobody's. */
static bool is_hosts(u32 address, u32 mask)
{
    return is_unicast(address) &&
           (mask >= ~1u || ((address & ~mask) != 0 && (address | mask) != ~0u));
}

const char *host_network_mistake(const struct host_network *net, const char **pointer)
{
    u32 address = __builtin_bswap32(net->address);
    u32 mask = __builtin_bswap32(net->netmask);
    u32 gateway = __builtin_bswap32(net->gateway);

    *pointer = "/address";
    if (address == 0 && !net->dhcp)
        return "Without DHCP the host needs an address.";
    if (address != 0 && !is_hosts(address, mask))
        return "A host cannot have this address.";
    *pointer = "/gateway";
    if (gateway != 0 && address == 0)
        return "A gateway belongs to an address: DHCP brings its own.";
    if (gateway != 0 &&
        (gateway == address || ((gateway ^ address) & mask) != 0 || !is_hosts(gateway, mask)))
        return "The gateway is no other host of the address's subnet.";
    *pointer = "/dns";
    for (u32 i = 0; i < HOST_DNS_MAX; i++) {
        if (net->dns[i] != 0 && !is_unicast(__builtin_bswap32(net->dns[i])))
            return "A name server cannot have this address.";
    }
    return NULL;
}

bool host_network_is_same(const struct host_network *a, const struct host_network *b)
{
    return strcmp(a->hostname, b->hostname) == 0 && strcmp(a->nic, b->nic) == 0 &&
           a->vlan == b->vlan && a->dhcp == b->dhcp && a->address == b->address &&
           a->netmask == b->netmask && a->gateway == b->gateway &&
           memcmp(a->dns, b->dns, sizeof(a->dns)) == 0;
}

static void read_dns(struct host_network *net, const void *dtb, int node,
                     const struct dtb_report *report)
{
    int count = fdt_stringlist_count(dtb, node, "dns");
    struct host_network read = {.dhcp = true};
    const char *pointer;
    bool is_good = count >= 0 && count <= (int)HOST_DNS_MAX;

    for (int i = 0; is_good && i < count; i++) {
        int length = 0;
        const char *text = fdt_stringlist_get(dtb, node, "dns", i, &length);

        is_good = text && ipv4_parse(text, (size_t)length, &read.dns[i]);
    }
    if (is_good && host_network_mistake(&read, &pointer) == NULL)
        memcpy(net->dns, read.dns, sizeof(net->dns));
    else
        dtb_tell(report, "network", "dns", "it is no list of at most 2 IPv4 addresses");
}

static void read_place(struct host_network *net, const void *dtb, int node,
                       const struct dtb_report *report)
{
    const char *nic = dtb_string(dtb, node, "nic");
    u64 vlan = 0;

    if (dtb_has(dtb, node, "nic") && !(nic && str_copy(net->nic, sizeof(net->nic), nic))) {
        net->nic[0] = '\0';
        dtb_tell(report, "network", "nic", "it is no address on the PCI bus");
    }
    if (dtb_has(dtb, node, "vlan") &&
        !(dtb_number(dtb, node, "vlan", &vlan) && vlan <= HOST_VLAN_MAX)) {
        vlan = 0;
        dtb_tell(report, "network", "vlan", "it is no number from 0 to 4094");
    }
    net->vlan = (u16)vlan;
    if (dtb_has(dtb, node, "dns"))
        read_dns(net, dtb, node, report);
}

static void read_network(struct host_network *cfg, const void *dtb, int node,
                         const struct dtb_report *report)
{
    const char *text = dtb_string(dtb, node, "address");

    if (dtb_has(dtb, node, "address") &&
        !(text && ipv4_prefix_parse(text, &cfg->address, &cfg->netmask)))
        dtb_tell(report, "network", "address", "it is no IPv4 address with prefix");
    text = dtb_string(dtb, node, "gateway");
    if (dtb_has(dtb, node, "gateway") && !(text && ipv4_parse(text, strlen(text), &cfg->gateway)))
        dtb_tell(report, "network", "gateway", "it is no IPv4 address");
    text = dtb_string(dtb, node, "dhcp");
    if (text && strcmp(text, "off") == 0)
        cfg->dhcp = false;
    else if (dtb_has(dtb, node, "dhcp") && !(text && strcmp(text, "on") == 0))
        dtb_tell(report, "network", "dhcp", "it is neither \"on\" nor \"off\"");
    read_place(cfg, dtb, node, report);
}

static void read_port(struct host_config *cfg, const void *dtb, int node,
                      const struct dtb_report *report)
{
    u64 port = 0;

    if (!dtb_has(dtb, node, "port"))
        return;
    if (!dtb_number(dtb, node, "port", &port) || port == 0 || port > UINT16_MAX)
        dtb_tell(report, "api", "port", "it is no port number");
    else if (cfg->tls && port == HTTP_PORT)
        dtb_tell(report, "api", "port", "80 sends clients to HTTPS unless tls is \"off\"");
    else
        cfg->port = (u16)port;
}

static void read_api(struct host_config *cfg, const void *dtb, int node,
                     const struct dtb_report *report)
{
    const char *tls = dtb_string(dtb, node, "tls");

    if (tls && strcmp(tls, "off") == 0) {
        cfg->tls = false;
        cfg->port = HTTP_PORT;
    } else if (dtb_has(dtb, node, "tls") && !(tls && strcmp(tls, "on") == 0)) {
        dtb_tell(report, "api", "tls", "it is neither \"on\" nor \"off\"");
    }
    read_port(cfg, dtb, node, report);
}

static bool is_in(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static bool root_knows(const char *name, bool is_node)
{
    static const char *const properties[] = {"compatible",  "hostname", "#address-cells",
                                             "#size-cells", "model",    NULL};
    static const char *const nodes[] = {"network", "networks", "api", "console",
                                        "images",  "vms",      NULL};

    return is_in(is_node ? nodes : properties, name);
}

static bool network_knows(const char *name, bool is_node)
{
    static const char *const properties[] = {"dhcp", "address", "gateway", "dns",
                                             "nic",  "vlan",    NULL};

    return !is_node && is_in(properties, name);
}

static bool api_knows(const char *name, bool is_node)
{
    static const char *const properties[] = {"port", "tls", "claim-code", NULL};
    static const char *const nodes[] = {"tokens", "users", NULL};

    return is_in(is_node ? nodes : properties, name);
}

static bool console_knows(const char *name, bool is_node)
{
    return !is_node && strcmp(name, "keys") == 0;
}

static void read_console(struct host_config *cfg, const void *dtb, int node,
                         const struct dtb_report *report)
{
    const char *keys = dtb_string(dtb, node, "keys");

    if (keys && strcmp(keys, "off") == 0)
        cfg->has_keys = false;
    else if (dtb_has(dtb, node, "keys") && !(keys && strcmp(keys, "on") == 0))
        dtb_tell(report, "console", "keys", "it is neither \"on\" nor \"off\"");
}

int host_config_read(struct host_config *cfg, const void *dtb, size_t bytes,
                     const struct dtb_report *report)
{
    const char *text;
    int node;

    if (!dtb_is_socle(dtb, bytes)) {
        dtb_tell(report, "", NULL, "it is no device tree compatible with \"" DTB_COMPATIBLE "\"");
        return -EINVAL;
    }
    dtb_tell_unknown(dtb, 0, "", root_knows, report);
    text = dtb_string(dtb, 0, "hostname");
    if (text && hostname_is_valid(text))
        (void)str_copy(cfg->net.hostname, sizeof(cfg->net.hostname), text);
    else if (dtb_has(dtb, 0, "hostname"))
        dtb_tell(report, "", "hostname", "it is no host name");
    node = dtb_find(dtb, "/network");
    if (node >= 0) {
        dtb_tell_unknown(dtb, node, "network", network_knows, report);
        read_network(&cfg->net, dtb, node, report);
    }
    node = dtb_find(dtb, "/api");
    if (node >= 0) {
        dtb_tell_unknown(dtb, node, "api", api_knows, report);
        read_api(cfg, dtb, node, report);
    }
    node = dtb_find(dtb, "/console");
    if (node >= 0) {
        dtb_tell_unknown(dtb, node, "console", console_knows, report);
        read_console(cfg, dtb, node, report);
    }
    return 0;
}
