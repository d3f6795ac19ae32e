/* SPDX-License-Identifier: BSD-2-Clause */
/* Which ports and uplinks there are: changed on net_task, in a call of management's. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/net_forward.h"

struct net_table net_table;

/* Frames for others than the host are wanted as soon as others may be there. */
static void update_promisc(struct netdev *dev)
{
    bool is_wanted = false;

    if (!dev)
        return;
    for (const struct network *n = net_table.bridges; n; n = n->next_bridge) {
        for (const struct netport *p = n->dev == dev ? n->ports : NULL; p; p = p->next)
            is_wanted |= memcmp(p->cfg.mac, dev->mac, sizeof(dev->mac)) != 0;
    }
    if (is_wanted == dev->is_promisc)
        return;
    dev->is_promisc = is_wanted;
    dev->ops->set_promisc(dev);
}

/* The NIC takes what is longest on any of its networks. */
static void update_mtu(struct netdev *dev)
{
    u32 mtu = MIN(dev->mtu_max, ETHERNET_MTU);

    for (const struct network *n = net_table.bridges; n; n = n->next_bridge)
        mtu = n->dev == dev ? MAX(mtu, n->mtu) : mtu;
    if (mtu == dev->mtu)
        return;
    __atomic_store_n(&dev->mtu, mtu, __ATOMIC_RELAXED);
    if (dev->ops->set_mtu)
        dev->ops->set_mtu(dev);
}

int net_task_add_port(struct netport *port)
{
    struct network *network = port->network;
    u32 i = 0;
    int rc;

    while (i < NETPORTS_MAX && net_table.ports[i])
        i++;
    if (i == NETPORTS_MAX)
        return -ENOSPC;
    memcpy(port->in_switch.mac, port->cfg.mac, sizeof(port->in_switch.mac));
    port->in_switch.flags = (port->cfg.flags & NETPORT_CHECK_MAC ? VSWITCH_CHECK_MAC : 0) |
                            (port->cfg.flags & NETPORT_ISOLATED ? VSWITCH_ISOLATED : 0) |
                            (port->cfg.flags & NETPORT_HOST ? VSWITCH_TRUSTED : 0);
    rc = vswitch_add(&network->sw, &port->in_switch, time_ns());
    if (rc)
        return rc;
    net_limiter_init(&port->tx_limit, &port->cfg.limits, time_ns());
    net_limiter_init(&port->rx_limit, &port->cfg.limits, time_ns());
    port->index = i;
    port->link_up = !network->dev || network->dev->is_link_up;
    port->next = network->ports;
    network->ports = port;
    __atomic_store_n(&net_table.ports[i], port, __ATOMIC_RELEASE);
    if (port->cfg.flags & NETPORT_HOST) {
        port->next_host = net_table.host_ports;
        net_table.host_ports = port;
    }
    update_promisc(network->dev);
    return 0;
}

void net_task_remove_port(struct netport *port)
{
    struct network *network = port->network;
    struct netport **link = &network->ports;

    while (*link != port)
        link = &(*link)->next;
    *link = port->next;
    for (link = &net_table.host_ports; *link; link = &(*link)->next_host) {
        if (*link == port) {
            *link = port->next_host;
            break;
        }
    }
    vswitch_remove(&network->sw, &port->in_switch);
    __atomic_store_n(&net_table.ports[port->index], NULL, __ATOMIC_RELEASE);
    net_task_forget(port->index);
    if (port->held)
        pktbuf_free(port->held);
    port->held = NULL;
    update_promisc(network->dev);
}

const struct netport *net_task_port(u32 index)
{
    return __atomic_load_n(&net_table.ports[index], __ATOMIC_ACQUIRE);
}

void net_task_add_bridge(struct network *network)
{
    network->uplink.flags = VSWITCH_UPLINK;
    network->next_bridge = net_table.bridges;
    net_table.bridges = network;
    network->dev->wake = net_task_wake;
    network->dev->users++;
    update_mtu(network->dev);
}

void net_task_remove_bridge(struct network *network)
{
    struct network **link = &net_table.bridges;

    while (*link != network)
        link = &(*link)->next_bridge;
    *link = network->next_bridge;
    network->dev->users--;
    update_mtu(network->dev);
}

void net_task_set_mtu(struct network *network, u32 mtu)
{
    network->mtu = mtu;
    update_mtu(network->dev);
}

/* The NIC's link is the link of all ports behind it. */
void net_tell_link(const struct netdev *dev)
{
    for (const struct network *n = net_table.bridges; n; n = n->next_bridge) {
        for (struct netport *p = n->dev == dev ? n->ports : NULL; p; p = p->next) {
            __atomic_store_n(&p->link_up, dev->is_link_up, __ATOMIC_RELEASE);
            net_touch(p);
        }
    }
}
