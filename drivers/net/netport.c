/* SPDX-License-Identifier: BSD-2-Clause */
/* The owner's side of a port. */
#include "drivers/net/netport.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/nat/nat_network.h"
#include "drivers/net/net_internal.h"
#include "drivers/net/pktbuf_pool.h"

struct attachment {
    struct netport *port;
    int rc;
};

static void add_port(void *arg)
{
    struct attachment *a = arg;

    a->rc = net_task_add_port(a->port);
}

static void remove_port(void *arg)
{
    net_task_remove_port(arg);
}

/* Both rings may be full: the pool has a buffer for each entry, and a big one where frames may be
 * long. The host's own ports have the usual ones from boot. */
static struct pktbuf_need need_of(const struct netport *port)
{
    u32 count = 2 * port->cfg.queue;

    return (struct pktbuf_need){
        .count = port->cfg.flags & NETPORT_HOST ? 0 : count,
        .big = port->mtu > ETHERNET_MTU ? count : 0,
    };
}

/* What is the host's own does not keep a network from being deleted. */
static void count_in(const struct netport *port)
{
    struct network *network = port->network;

    if (port->cfg.flags & NETPORT_HOST)
        return;
    network->port_count++;
    if (network->nat)
        nat_network_nic_add(network->nat, port->cfg.mac, port->cfg.vm);
}

static void count_out(const struct netport *port)
{
    struct network *network = port->network;

    if (port->cfg.flags & NETPORT_HOST)
        return;
    network->port_count--;
    if (network->nat)
        nat_network_nic_remove(network->nat, port->cfg.mac);
}

int netport_attach(struct netport *port, const struct netport_config *cfg)
{
    static const u8 no_mac[6];
    struct attachment a = {.port = port};
    struct network *network = network_find(cfg->network);

    if (!network)
        return -ENOENT;
    *port = (struct netport){.cfg = *cfg, .mtu = network->mtu, .network = network};
    if (network->dev && memcmp(cfg->mac, no_mac, sizeof(no_mac)) == 0)
        memcpy(port->cfg.mac, network->dev->mac, sizeof(port->cfg.mac));
    if (port->cfg.queue == 0)
        port->cfg.queue = NETPORT_RING;
    ring_init(&port->inbox, port->inbox_slots, NETPORT_RING);
    ring_init(&port->outbox, port->outbox_slots, NETPORT_RING);
    if (pktbuf_pool_reserve(need_of(port)))
        return -ENOSPC;
    net_task_call(add_port, &a);
    if (a.rc == 0)
        count_in(port);
    else
        pktbuf_pool_unreserve(need_of(port));
    return a.rc;
}

void netport_detach(struct netport *port)
{
    struct pktbuf *pkt;

    net_task_call(remove_port, port);
    while ((pkt = ring_pop(&port->inbox)) != NULL)
        pktbuf_free(pkt);
    while ((pkt = ring_pop(&port->outbox)) != NULL)
        pktbuf_free(pkt);
    pktbuf_pool_unreserve(need_of(port));
    count_out(port);
}

struct pktbuf *netport_receive(struct netport *port)
{
    struct pktbuf *pkt = ring_pop(&port->inbox);

    if (pkt)
        net_task_inbox_drained(port);
    return pkt;
}

static bool is_full(struct netport *port)
{
    return ring_count(&port->outbox) >= port->cfg.queue;
}

/* Leaves the wish first and looks again, so that a drain in between is not missed. */
bool netport_has_room(struct netport *port)
{
    if (!is_full(port))
        return true;
    __atomic_store_n(&port->wants_room, true, __ATOMIC_SEQ_CST);
    return !is_full(port);
}

bool netport_send(struct netport *port, struct pktbuf *pkt)
{
    return ring_push(&port->outbox, pkt);
}

void netport_flush(struct netport *port)
{
    net_task_notice(port);
}

void netport_count_drop(struct netport *port)
{
    __atomic_fetch_add(&port->counters.rx_drops, 1, __ATOMIC_RELAXED);
}

void netport_count_unsent(struct netport *port)
{
    __atomic_fetch_add(&port->counters.tx_drops, 1, __ATOMIC_RELAXED);
}

void netport_ask(struct netport *port)
{
    __atomic_store_n(&port->wants_wake, true, __ATOMIC_SEQ_CST);
    net_task_notice(port);
}

void netport_filter_add(struct netport *port, struct netport_filter *filter)
{
    filter->next = port->filters;
    port->filters = filter;
}

void netport_filter_remove(struct netport *port, struct netport_filter *filter)
{
    struct netport_filter **at = &port->filters;

    while (*at != filter)
        at = &(*at)->next;
    *at = filter->next;
}
