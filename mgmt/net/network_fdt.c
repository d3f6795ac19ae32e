/* SPDX-License-Identifier: BSD-2-Clause */
/* Property by property; one that makes no sense costs the whole network. */
#include "mgmt/net/network_fdt.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "drivers/net/inet.h"
#include "mgmt/config/fdt_text.h"
#include "mgmt/net/network_text.h"

#define PATH_BYTES      160u
#define PORT_NAME_BYTES 16u
#define FORWARDS_NODE   "forwards"

struct place {
    const void *dtb;
    int node;
    const char *path;
    const struct dtb_report *report;
};

static int wrong(const struct place *p, const char *name, const char *what)
{
    dtb_tell(p->report, p->path, name, what);
    return -EINVAL;
}

static bool is_in(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static bool network_knows(const char *name, bool is_node)
{
    static const char *const properties[] = {"kind", "uplink",     "vlan", "mtu",
                                             "cidr", "dhcp-range", NULL};

    return is_node ? strcmp(name, FORWARDS_NODE) == 0 : is_in(properties, name);
}

static bool forward_knows(const char *name, bool is_node)
{
    static const char *const properties[] = {"proto", "host-port", "vm", "port", NULL};

    return !is_node && is_in(properties, name);
}

/* Absent: *value stays. Return: 0, -EINVAL. */
static int read_number(const struct place *p, const char *name, u64 min, u64 max, u64 *value)
{
    u64 number;

    if (!dtb_has(p->dtb, p->node, name))
        return 0;
    if (!dtb_number(p->dtb, p->node, name, &number) || number < min || number > max)
        return wrong(p, name, "it is no number in range");
    *value = number;
    return 0;
}

static int read_kind(const struct place *p, struct network_config *out)
{
    const char *kind = dtb_string(p->dtb, p->node, "kind");

    out->kind = NETWORK_ISOLATED;
    if (dtb_has(p->dtb, p->node, "kind") && !(kind && network_kind_parse(kind, &out->kind)))
        return wrong(p, "kind", "it is none of \"bridge\", \"nat\", \"isolated\"");
    return 0;
}

static int read_bridge(const struct place *p, struct network_config *out)
{
    const char *uplink = dtb_string(p->dtb, p->node, "uplink");
    u64 vlan = 0;

    if (dtb_has(p->dtb, p->node, "uplink") &&
        !(uplink && str_copy(out->uplink, sizeof(out->uplink), uplink)))
        return wrong(p, "uplink", "it is no address on the PCI bus");
    if (read_number(p, "vlan", 0, UINT16_MAX, &vlan))
        return -EINVAL;
    out->vlan = (u16)vlan;
    if (out->kind != NETWORK_BRIDGE && (uplink || vlan != 0))
        return wrong(p, "kind", "only a \"bridge\" has an uplink and a VLAN");
    return 0;
}

static int read_range(const struct place *p, struct network_nat *nat)
{
    u32 *const ends[] = {&nat->range_first, &nat->range_last};
    bool is_good = fdt_stringlist_count(p->dtb, p->node, "dhcp-range") == (int)ARRAY_SIZE(ends);

    for (int i = 0; is_good && i < (int)ARRAY_SIZE(ends); i++) {
        int length = 0;
        const char *text = fdt_stringlist_get(p->dtb, p->node, "dhcp-range", i, &length);

        is_good = text && ip_parse(text, (size_t)length, ends[i]) && *ends[i] != 0;
    }
    return is_good ? 0 : wrong(p, "dhcp-range", "it is no pair of IPv4 addresses");
}

static int read_forward(const struct place *p, struct nat_forward *f)
{
    const char *proto = dtb_string(p->dtb, p->node, "proto");
    const char *vm = dtb_string(p->dtb, p->node, "vm");
    u64 host_port = 0, port = 0;

    dtb_tell_unknown(p->dtb, p->node, p->path, forward_knows, p->report);
    if (!proto || (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0))
        return wrong(p, "proto", "it is neither \"tcp\" nor \"udp\"");
    f->protocol = proto[0] == 't' ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
    if (!vm || vm[0] == '\0' || !str_copy(f->vm, sizeof(f->vm), vm))
        return wrong(p, "vm", "it is no VM's name");
    if (read_number(p, "host-port", 1, NAT_PORT_HIGH, &host_port) ||
        read_number(p, "port", 1, UINT16_MAX, &port))
        return -EINVAL;
    if (host_port == 0 || port == 0)
        return wrong(p, host_port == 0 ? "host-port" : "port", "it is missing");
    f->host_port = (u16)host_port;
    f->port = (u16)port;
    return 0;
}

static int read_forwards(const struct place *p, struct network_nat *nat)
{
    int parent = fdt_subnode_offset(p->dtb, p->node, FORWARDS_NODE);
    int node;

    if (parent < 0)
        return 0;
    fdt_for_each_subnode(node, p->dtb, parent)
    {
        const char *name = fdt_get_name(p->dtb, node, NULL);
        char path[PATH_BYTES];
        struct place at = {.dtb = p->dtb, .node = node, .path = path, .report = p->report};

        ksnprintf(path, sizeof(path), "%s/" FORWARDS_NODE "/%s", p->path, name ? name : "");
        if (nat->forward_count == NAT_FORWARDS)
            return wrong(p, FORWARDS_NODE, "there are more than 64");
        if (read_forward(&at, &nat->forwards[nat->forward_count++]))
            return -EINVAL;
    }
    return 0;
}

static int read_nat(const struct place *p, struct network_config *out)
{
    const char *cidr = dtb_string(p->dtb, p->node, "cidr");
    bool has_cidr = dtb_has(p->dtb, p->node, "cidr");
    bool has_range = dtb_has(p->dtb, p->node, "dhcp-range");

    if (out->kind != NETWORK_NAT &&
        (has_cidr || has_range || fdt_subnode_offset(p->dtb, p->node, FORWARDS_NODE) >= 0))
        return wrong(p, "kind", "only a \"nat\" has a subnet, DHCP and forwards");
    if (has_cidr && !(cidr && cidr_parse(cidr, &out->nat)))
        return wrong(p, "cidr", "it is no subnet of 8 to 29 bits");
    if (has_range && read_range(p, &out->nat))
        return -EINVAL;
    return read_forwards(p, &out->nat);
}

int network_fdt_read(const void *dtb, int node, const char *path, struct network_config *out,
                     const struct dtb_report *report)
{
    const struct place p = {.dtb = dtb, .node = node, .path = path, .report = report};
    const char *name = fdt_get_name(dtb, node, NULL);
    u64 mtu = 0;

    memset(out, 0, sizeof(*out));
    if (!name || !str_copy(out->name, sizeof(out->name), name))
        return wrong(&p, NULL, "its name is too long");
    dtb_tell_unknown(dtb, node, path, network_knows, report);
    if (read_kind(&p, out) || read_bridge(&p, out) ||
        read_number(&p, "mtu", NETWORK_MTU_MIN, NETWORK_MTU_MAX, &mtu) || read_nat(&p, out))
        return -EINVAL;
    out->mtu = (u32)mtu;
    return 0;
}

static int write_forward(void *dtb, int parent, const struct nat_forward *f)
{
    bool is_tcp = f->protocol == IP_PROTOCOL_TCP;
    char name[PORT_NAME_BYTES];
    int node;

    ksnprintf(name, sizeof(name), "%s-%u", is_tcp ? "tcp" : "udp", f->host_port);
    node = fdt_add_subnode(dtb, parent, name);
    if (node < 0 || fdt_text_set(dtb, node, "proto", is_tcp ? "tcp" : "udp") ||
        fdt_setprop_u32(dtb, node, "host-port", f->host_port) ||
        fdt_text_set(dtb, node, "vm", f->vm) || fdt_setprop_u32(dtb, node, "port", f->port))
        return -ENOSPC;
    return 0;
}

static int write_nat(void *dtb, int node, const struct network_nat *nat)
{
    char cidr[CIDR_BYTES], first[IPV4_BYTES], last[IPV4_BYTES];
    int parent;

    cidr_format(nat, cidr);
    ip_format(nat->range_first, first);
    ip_format(nat->range_last, last);
    if (fdt_text_set(dtb, node, "cidr", cidr) || fdt_text_set(dtb, node, "dhcp-range", first) ||
        fdt_text_append(dtb, node, "dhcp-range", last))
        return -ENOSPC;
    if (nat->forward_count == 0)
        return 0;
    parent = fdt_add_subnode(dtb, node, FORWARDS_NODE);
    if (parent < 0)
        return -ENOSPC;
    for (u32 i = nat->forward_count; i-- > 0;) { /* a new node stands before the others */
        if (write_forward(dtb, parent, &nat->forwards[i]))
            return -ENOSPC;
    }
    return 0;
}

int network_fdt_write(void *dtb, int parent, const struct network_config *cfg)
{
    int node = fdt_add_subnode(dtb, parent, cfg->name);

    if (node < 0 || fdt_text_set(dtb, node, "kind", network_kind_name(cfg->kind)) ||
        fdt_setprop_u32(dtb, node, "mtu", cfg->mtu))
        return -ENOSPC;
    if (cfg->kind == NETWORK_BRIDGE && (fdt_text_set(dtb, node, "uplink", cfg->uplink) ||
                                        fdt_setprop_u32(dtb, node, "vlan", cfg->vlan)))
        return -ENOSPC;
    return cfg->kind == NETWORK_NAT ? write_nat(dtb, node, &cfg->nat) : 0;
}
