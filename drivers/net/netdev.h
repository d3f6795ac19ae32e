/* SPDX-License-Identifier: BSD-2-Clause */
/* What every NIC driver gives to net_task, the only task that touches NIC rings. */
#ifndef SOCLE_NET_NETDEV_H
#define SOCLE_NET_NETDEV_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"

struct netdev;

/* Context of all: net_task, with the NIC's interrupt possibly firing meanwhile. */
struct netdev_ops {
    /* Moves the next received frame to the caller; NULL if none. Refills its ring itself. */
    struct pktbuf *(*rx_poll)(struct netdev *dev);
    /* Return: false if the ring is full. On true the frame belongs to the driver until it is sent.
     */
    bool (*tx)(struct netdev *dev, struct pktbuf *pkt);
    /* Tells the hardware about queued frames and frees what has been sent. */
    void (*tx_flush)(struct netdev *dev);
    /* Turns the receive interrupt on again. Return: true if frames arrived meanwhile (poll again).
     */
    bool (*irq_enable)(struct netdev *dev);
    bool (*link_up)(struct netdev *dev);
};

struct netdev {
    const struct netdev_ops *ops;
    const char *driver;
    char bdf[16];
    u8 mac[6];
    u32 mtu;
    bool is_polled;     /* no interrupt arrives: net_task looks every millisecond */
    void (*wake)(void); /* set by net_task before the device starts; interrupt context */
    struct netdev *next;
};

/* Called by a driver's probe. Context: boot. */
void netdev_register(struct netdev *dev);

#endif
