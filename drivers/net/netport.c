/* SPDX-License-Identifier: BSD-2-Clause */
/* The owner's side of a port. */
#include "drivers/net/netport.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/net/net_internal.h"

int netport_attach(struct netport *port, void (*wake)(void *arg), void *arg)
{
    const struct netdev *dev;

    ring_init(&port->inbox, port->inbox_slots, NETPORT_RING);
    ring_init(&port->outbox, port->outbox_slots, NETPORT_RING);
    port->wake = wake;
    port->wake_arg = arg;
    dev = net_task_bind(port);
    if (!dev)
        return -ENODEV;
    memcpy(port->mac, dev->mac, sizeof(port->mac));
    port->mtu = dev->mtu;
    return 0;
}

struct pktbuf *netport_receive(struct netport *port)
{
    struct pktbuf *pkt = ring_pop(&port->inbox);

    if (pkt)
        net_task_inbox_drained();
    return pkt;
}

bool netport_send(struct netport *port, struct pktbuf *pkt)
{
    u16 len = pkt->len;

    if (!ring_push(&port->outbox, pkt)) {
        port->counters.tx_drops++;
        return false;
    }
    port->counters.tx_frames++;
    port->counters.tx_bytes += len;
    net_task_wake();
    return true;
}
