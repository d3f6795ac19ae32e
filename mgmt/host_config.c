/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading socle.dtb with libfdt. */
#include "mgmt/host_config.h"

#include <libfdt.h>

#include "core/lib/dtb.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"

#define PREFIX_DEFAULT 24u

void host_config_default(struct host_config *cfg)
{
    *cfg = (struct host_config){.hostname = "socle", .dhcp = true, .http_port = HTTP_PORT};
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

static bool is_present(const void *dtb, int node, const char *name)
{
    return fdt_getprop(dtb, node, name, NULL) != NULL;
}

/* RFC 1123: letters, digits, hyphens inside. */
static bool hostname_is_valid(const char *name)
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

/* "192.0.2.1/24"; without a prefix, /24. */
static bool read_address(const char *text, struct host_config *cfg)
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
    cfg->address = address;
    cfg->netmask = netmask_from(prefix);
    return true;
}

static void read_network(struct host_config *cfg, const void *dtb, int node, const char **problem)
{
    const char *text = dtb_string(dtb, node, "address");

    if (is_present(dtb, node, "address") && !(text && read_address(text, cfg)))
        *problem = "network/address is no IPv4 address with prefix";
    text = dtb_string(dtb, node, "gateway");
    if (is_present(dtb, node, "gateway") &&
        !(text && ipv4_parse(text, strlen(text), &cfg->gateway)))
        *problem = "network/gateway is no IPv4 address";
    text = dtb_string(dtb, node, "dhcp");
    if (is_present(dtb, node, "dhcp")) {
        cfg->dhcp = !text || strcmp(text, "off") != 0;
        if (text && strcmp(text, "off") != 0 && strcmp(text, "on") != 0)
            *problem = "network/dhcp is neither \"on\" nor \"off\"";
    }
}

static void read_api(struct host_config *cfg, const void *dtb, int node, const char **problem)
{
    int len = 0;
    const u8 *cell = fdt_getprop(dtb, node, "port", &len);
    u32 port;

    if (!cell)
        return;
    port = len == 4 ? (u32)cell[0] << 24 | (u32)cell[1] << 16 | (u32)cell[2] << 8 | cell[3] : 0;
    if (port == 0 || port > UINT16_MAX)
        *problem = "api/port is no port number";
    else
        cfg->http_port = (u16)port;
}

int host_config_read(struct host_config *cfg, const void *dtb, size_t bytes, const char **problem)
{
    const char *text;
    int node;

    *problem = NULL;
    if (!dtb_is_socle(dtb, bytes)) {
        *problem = "it is no device tree compatible with \"" DTB_COMPATIBLE "\"";
        return -EINVAL;
    }
    text = dtb_string(dtb, 0, "hostname");
    if (text && hostname_is_valid(text))
        (void)str_copy(cfg->hostname, sizeof(cfg->hostname), text);
    else if (is_present(dtb, 0, "hostname"))
        *problem = "hostname is no host name";
    node = fdt_subnode_offset(dtb, 0, "network");
    if (node >= 0)
        read_network(cfg, dtb, node, problem);
    node = fdt_subnode_offset(dtb, 0, "api");
    if (node >= 0)
        read_api(cfg, dtb, node, problem);
    return *problem ? -EINVAL : 0;
}
