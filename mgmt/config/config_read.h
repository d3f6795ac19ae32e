/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host's settings are to be, and those of a device tree that were sent for it, pure.
 *
 * At boot a mistake in socle.dtb costs what it is about; here it costs the whole tree, because who
 * sends it is there to correct it.
 */
#ifndef SOCLE_MGMT_CONFIG_READ_H
#define SOCLE_MGMT_CONFIG_READ_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/network.h"
#include "mgmt/config/host_config.h"

/* What is not there stays as it is. */
struct config_wanted {
    bool has_net;
    struct host_network net;
    bool has_networks;
    struct network_config *networks; /* room for NETWORKS_MAX */
    u32 network_count;
};

struct config_mistake {
    char pointer[160]; /* the node's path and the property, as a JSON pointer */
    char what[96];
    bool is_for_boot; /* it is no mistake, but takes effect at boot only */
};

/*
 * Reads a tree: /network with the host's name, and /networks. Its other nodes count at boot only,
 * and must be those of `booted` (NULL: there were none) or be left out. in_force: the settings that
 * a name without /network is added to; what it is about is not checked against the machine.
 * Return: 0; -EINVAL and *mistake, the first one.
 */
int config_read(const void *tree, size_t bytes, const void *booted,
                const struct host_network *in_force, struct config_wanted *wanted,
                struct config_mistake *mistake) must_check;

#endif
