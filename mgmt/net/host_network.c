/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves the host between network settings. */
#include "mgmt/net/host_network.h"

#include "core/kern/timer.h"
#include "core/lib/string.h"
#include "core/x86/log.h"
#include "drivers/net/netdev.h"
#include "drivers/net/network.h"
#include "mgmt/net/netif.h"

/* Time for the answer to leave before its connection may end. */
#define APPLY_DELAY_NS (1 * NS_PER_S)

/* What stands in the way of a roll-back may go: a VM's card with the NIC's address, too many
 * networks, no memory. */
#define ROLL_BACK_AGAIN_NS (30 * NS_PER_S)

static struct {
    struct host_network *in_force;
    struct net_change change;
} host;

void host_network_init(struct host_network *in_force)
{
    host.in_force = in_force;
}

const struct host_network *host_network_in_force(void)
{
    return host.in_force;
}

const struct net_change *host_network_change(void)
{
    return &host.change;
}

int host_network_begin(const struct host_network *wanted, u64 trial_ns)
{
    return net_change_begin(&host.change, host.in_force, wanted, trial_ns, APPLY_DELAY_NS,
                            time_ns());
}

bool host_network_has_nic(const char *bdf)
{
    const struct netdev *dev = netdev_next(NULL);

    while (dev && strcmp(dev->bdf, bdf) != 0)
        dev = netdev_next(dev);
    return dev != NULL;
}

/* With an inside network guests could not tell where to send. */
static bool overlaps_inside(const struct host_network *net)
{
    static struct network_info info; /* large; one thread answers */
    u32 address = __builtin_bswap32(net->address);
    u32 mask = __builtin_bswap32(net->netmask);

    info.cfg.name[0] = '\0';
    while (address != 0 && network_next(info.cfg.name, &info)) {
        u32 inside;

        if (info.cfg.kind != NETWORK_NAT)
            continue;
        inside = ~0u << (32 - info.cfg.nat.prefix_bits);
        if (((info.cfg.nat.subnet ^ address) & inside & mask) == 0)
            return true;
    }
    return false;
}

const char *host_network_conflict(const struct host_network *net, const char **member)
{
    const char *mistake = host_network_mistake(net, member);

    if (mistake)
        return mistake;
    *member = "/nic";
    if (net->nic[0] != '\0' && !host_network_has_nic(net->nic))
        return HOST_NETWORK_NO_NIC;
    *member = "/address";
    return overlaps_inside(net) ? "The subnet overlaps that of a network of guests." : NULL;
}

int host_network_restore(const struct host_network *net)
{
    int rc = netif_apply(net);

    if (rc == 0)
        *host.in_force = *net;
    return rc;
}

int host_network_confirm(u32 number)
{
    int rc = net_change_confirm(&host.change, number);

    if (rc == 0)
        log_info("net", "the change of the host's network is confirmed");
    return rc;
}

static void apply(void)
{
    int rc = netif_apply(&host.change.wanted);

    if (rc)
        log_error("net", "the host's network could not be changed (%d); all is as before", rc);
    else
        *host.in_force = host.change.wanted;
    net_change_applied(&host.change, rc == 0, time_ns());
    if (rc == 0)
        log_info("net", "the host's network has changed, until it is confirmed for %llu ms",
                 (unsigned long long)(host.change.trial_ns / NS_PER_MS));
}

static void roll_back(void)
{
    int rc = netif_apply(&host.change.previous);

    if (rc) {
        log_error("net",
                  "nobody confirmed the change of the host's network, and it cannot be "
                  "undone now (%d): tried again later",
                  rc);
        net_change_put_off(&host.change, time_ns() + ROLL_BACK_AGAIN_NS);
        return;
    }
    log_warn("net", "nobody confirmed the change of the host's network: the settings before it are "
                    "back");
    *host.in_force = host.change.previous;
}

void host_network_poll(void)
{
    switch (net_change_poll(&host.change, time_ns())) {
    case NET_STEP_APPLY:
        apply();
        break;
    case NET_STEP_ROLL_BACK:
        roll_back();
        break;
    case NET_STEP_NONE:
        break;
    }
}
