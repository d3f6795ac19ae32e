/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames between the ports of networks and their uplinks. Context of all: net_task. */
#ifndef SOCLE_NET_FORWARD_H
#define SOCLE_NET_FORWARD_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/net_internal.h"
#include "drivers/net/port_set.h"

/* Frames moved in one direction before the other gets its turn. */
#define NET_BATCH 64u

/* Why a port's outbox was left: it is empty, it has more, or there is no going on before a time. */
enum net_collected { NET_EMPTY, NET_MORE, NET_LIMITED };

/* Passes a frame on that the NIC has received, to the network of its VLAN. */
void net_forward_received(struct network *bridges, struct netdev *dev, struct pktbuf *pkt);

/* Passes a frame on as if the port had sent it. */
void net_forward_from(struct netport *port, struct pktbuf *pkt);

/* Takes up to NET_BATCH frames out of the port's outbox. *moved: how many; *ready_ns if LIMITED. */
enum net_collected net_forward_sent(struct netport *port, u32 *moved, u64 *ready_ns);

/* Ports that got frames are marked here, by their index, until they are woken. */
extern struct port_set net_touched;

static inline void net_touch(const struct netport *port)
{
    (void)port_set_add(&net_touched, port->index);
}

#endif
