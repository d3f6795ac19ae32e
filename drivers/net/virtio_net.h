/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's virtio-net driver: its state, and its rings (virtio_net_rings.c) for virtio_net.c.
 *
 * Context of all: boot (probe) or net_task.
 */
#ifndef SOCLE_NET_VIRTIO_NET_H
#define SOCLE_NET_VIRTIO_NET_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/netdev.h"
#include "drivers/net/pktbuf_pool.h"
#include "drivers/virtio/virtio_pci.h"
#include "mm/dma.h"

#define VIRTIO_NET_QUEUE_SIZE PKTBUF_NIC_RING

struct virtio_net {
    struct netdev dev; /* (c) first: ops get this pointer */
    struct virtio_dev virtio;
    struct virtio_queue rx;   /* (o) net_task; tokens are pktbufs */
    struct virtio_queue tx;   /* (o) tokens are pktbufs */
    struct virtio_queue ctrl; /* (o) */
    struct dma_buf command;   /* (c) struct virtio_net_ctrl */
    u32 rx_added;             /* (o) buffers not yet announced */
    u64 tx_progress_ns;       /* (o) when the oldest frame was last seen to move */
    u64 next_reset_ns;        /* (o) not before */
    bool is_dead;             /* (o) did not come back from a reset */
    bool irq_seen;            /* (a) the handler has run for an interrupt of ours */
};

static inline struct virtio_net *virtio_net_of(struct netdev *dev)
{
    return container_of(dev, struct virtio_net, dev);
}

/* Gives the device an empty buffer for each entry of its ring. Return: 0, -ENOMEM. */
int virtio_net_rx_fill(struct virtio_net *nic) must_check;

/* Shows the device the buffers it was given. */
void virtio_net_rx_announce(struct virtio_net *nic);

/* Frees what has been sent. */
void virtio_net_tx_reclaim(struct virtio_net *nic);

/* Takes all buffers back: the device has been reset, or cut off from memory. */
void virtio_net_empty(struct virtio_net *nic);

/* The driver's netdev operations of these names. */
struct pktbuf *virtio_net_rx_poll(struct netdev *dev);
bool virtio_net_tx(struct netdev *dev, struct pktbuf *pkt);
bool virtio_net_tx_segment(struct netdev *dev, struct pktbuf *first, const struct net_join *join);

#endif
