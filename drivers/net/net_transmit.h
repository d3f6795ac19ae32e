/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames on their way out of the host: net_task's side of a NIC's transmit ring. Context of all:
 * net_task. */
#ifndef SOCLE_NET_TRANSMIT_H
#define SOCLE_NET_TRANSMIT_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/netdev.h"

/* Sends a frame, now or with netdev_transmit_flush. One that finds the ring full is kept, the next
 * one is lost: see netdev_transmit_is_held. */
void netdev_transmit(struct netdev *dev, struct pktbuf *pkt);

/* Tries again what the full ring refused. */
void netdev_transmit_retry(struct netdev *dev);

/* Nothing more waits to be joined; the device is told about all of it, and looked after. */
void netdev_transmit_flush(struct netdev *dev);

/* The ring was full: senders are to wait. */
static inline bool netdev_transmit_is_held(const struct netdev *dev)
{
    return dev->unsent != NULL;
}

/* Something waits for the ring to have room. */
static inline bool netdev_transmit_is_waiting(const struct netdev *dev)
{
    return dev->unsent != NULL || dev->gathered != NULL;
}

#endif
