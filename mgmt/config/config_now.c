/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks as drivers/net has them. */
#include "mgmt/config/config_now.h"

#include "core/lib/errno.h"
#include "drivers/net/network.h"
#include "mgmt/config/config_fdt.h"
#include "mgmt/net/networks_swap.h"

/* Return: 0, -ENOSPC. */
static int write_networks(void *buf)
{
    static struct network_info info; /* large; one thread asks */

    info.cfg.name[0] = '\0';
    while (network_next(info.cfg.name, &info)) {
        if (!network_is_from_boot(&info) && config_fdt_network(buf, &info.cfg))
            return -ENOSPC;
    }
    return 0;
}

size_t config_now(void *buf, size_t size, const void *from, const struct host_network *net)
{
    if (config_fdt_begin(buf, size, from, net) || write_networks(buf))
        return 0;
    return config_fdt_end(buf);
}
