/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes we know are written anew; all else stays as it was. */
#include "mgmt/config/config_fdt.h"

#include <libfdt.h>

#include "core/lib/dtb.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "mgmt/config/fdt_text.h"
#include "mgmt/net/network_fdt.h"
#include "mgmt/net/network_text.h"

static u32 number_of(u32 wire)
{
    return __builtin_bswap32(wire);
}

static int write_addresses(void *buf, int node, const struct host_network *net)
{
    char text[CIDR_BYTES];

    if (net->address != 0) {
        ip_format(number_of(net->address), text);
        ksnprintf(text + strlen(text), sizeof(text) - strlen(text), "/%u",
                  ipv4_prefix_bits(net->netmask));
        if (fdt_text_set(buf, node, "address", text))
            return -ENOSPC;
    }
    if (net->gateway != 0) {
        ip_format(number_of(net->gateway), text);
        if (fdt_text_set(buf, node, "gateway", text))
            return -ENOSPC;
    }
    for (u32 i = 0; i < HOST_DNS_MAX; i++) {
        ip_format(number_of(net->dns[i]), text);
        if (net->dns[i] != 0 && fdt_text_append(buf, node, "dns", text))
            return -ENOSPC;
    }
    return 0;
}

static int write_network(void *buf, const struct host_network *net)
{
    int node = fdt_add_subnode(buf, 0, "network");

    if (node < 0 || fdt_text_set(buf, node, "dhcp", net->dhcp ? "on" : "off") ||
        write_addresses(buf, node, net))
        return -ENOSPC;
    if (net->nic[0] != '\0' && fdt_text_set(buf, node, "nic", net->nic))
        return -ENOSPC;
    return net->vlan != 0 && fdt_setprop_u32(buf, node, "vlan", net->vlan) ? -ENOSPC : 0;
}

static int drop(void *buf, const char *path)
{
    int node = dtb_find(buf, path);

    return node >= 0 && fdt_del_node(buf, node) ? -ENOSPC : 0;
}

int config_fdt_begin(void *buf, size_t size, const void *from, const struct host_network *net)
{
    int rc = from ? fdt_open_into(from, buf, (int)size) : fdt_create_empty_tree(buf, (int)size);

    if (rc || fdt_text_set(buf, 0, "compatible", DTB_COMPATIBLE) ||
        fdt_text_set(buf, 0, "hostname", net->hostname) || drop(buf, "/network") ||
        drop(buf, "/networks") || fdt_add_subnode(buf, 0, "networks") < 0)
        return -ENOSPC;
    return write_network(buf, net);
}

int config_fdt_network(void *buf, const struct network_config *cfg)
{
    int parent = dtb_find(buf, "/networks");

    return parent < 0 ? -ENOSPC : network_fdt_write(buf, parent, cfg);
}

size_t config_fdt_end(void *buf)
{
    (void)fdt_pack(buf);
    return fdt_totalsize(buf);
}
