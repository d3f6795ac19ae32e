/* SPDX-License-Identifier: BSD-2-Clause */
/* One node after the other, in their order. */
#include "mgmt/net/boot_networks.h"

#include <libfdt.h>

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/vmm/vmm.h"
#include "drivers/net/inet.h"
#include "mgmt/net/network_fdt.h"
#include "mgmt/http/server.h"

#define PATH_BYTES (sizeof("networks/") + NETWORK_NAME_MAX)

bool network_takes_hosts_port(const struct network_nat *nat)
{
    for (u32 i = 0; i < nat->forward_count; i++) {
        if (nat->forwards[i].protocol == IP_PROTOCOL_TCP &&
            server_has_port(nat->forwards[i].host_port))
            return true;
    }
    return false;
}

/* What network_put says no with. */
static const char *reason(int rc)
{
    switch (rc) {
    case -EBUSY:
        return "it is built in, or another network has its VLAN";
    case -ENODEV:
        return "there is no such card to be its uplink";
    case -EINVAL:
        return "its VLAN, MTU, subnet, range or forwards are out of range";
    case -E2BIG:
        return "its uplink does not take frames of its MTU";
    case -ERANGE:
        return "its subnet overlaps that of another network";
    case -EEXIST:
        return "a forward has the host port of another one";
    default:
        return "there is no room for another network";
    }
}

static void make(const void *dtb, int node, const struct dtb_report *report)
{
    static struct network_config cfg; /* large; one thread */
    const char *name = fdt_get_name(dtb, node, NULL);
    char path[PATH_BYTES];
    bool is_new;
    int rc;

    ksnprintf(path, sizeof(path), "networks/%s", name ? name : "");
    if (network_fdt_read(dtb, node, path, &cfg, report))
        return;
    if (!vm_name_is_valid(cfg.name)) {
        dtb_tell(report, path, NULL, "its name is not made of a-z, 0-9 and '-'");
        return;
    }
    if (network_takes_hosts_port(&cfg.nat)) {
        dtb_tell(report, path, "forwards", "the host itself listens on one of these ports");
        return;
    }
    rc = network_put(&cfg, &is_new);
    if (rc)
        dtb_tell(report, path, NULL, reason(rc));
}

static bool is_given(const void *given, const char *name)
{
    int parent = given && name ? dtb_find(given, "/networks") : -1;

    return parent >= 0 && fdt_subnode_offset(given, parent, name) >= 0;
}

void boot_networks(const void *dtb, size_t bytes, const void *given,
                   const struct dtb_report *report)
{
    int parent, node;

    if (!dtb || !dtb_is_socle(dtb, bytes))
        return;
    parent = dtb_find(dtb, "/networks");
    if (parent < 0)
        return;
    fdt_for_each_subnode(node, dtb, parent)
    {
        if (!is_given(given, fdt_get_name(dtb, node, NULL)))
            make(dtb, node, report);
    }
}
