/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to NICs, TCP segments as such where the card can cut them.
 *
 * Inside the host a guest's large segment travels as the frames it stands for (core/vdev): so
 * switch, limits, NAT and captures know nothing of it. Here, in front of the card, frames that
 * follow each other are found again and handed over as one segment, without a copy: of the first
 * frame headers and payload, of the others the payload. Frames wait for those that may follow until
 * the end of the task's round, no longer, and keep their order.
 */
#include "drivers/net/net_transmit.h"

#define SEGMENT_BYTES (NET_TCP_IP_MAX + ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES)

static void count_sent(struct netdev *dev, u32 frames, u32 bytes)
{
    netdev_count(&dev->counters.tx_frames, frames);
    netdev_count(&dev->counters.tx_bytes, bytes);
}

/* Return: false if the ring is full. */
static bool send(struct netdev *dev, struct pktbuf *pkt)
{
    u32 bytes = pkt->len;

    if (!dev->ops->tx(dev, pkt))
        return false;
    count_sent(dev, 1, bytes);
    return true;
}

/* Asked again after a full ring, it writes the same headers. */
static bool send_segment(struct netdev *dev, struct pktbuf *first)
{
    net_join_headers(&dev->join, dev->join.count, pktbuf_data(first));
    if (!dev->ops->tx_segment(dev, first, &dev->join))
        return false;
    netdev_count(&dev->counters.tx_segments, 1);
    count_sent(dev, dev->join.count, net_join_wire_bytes(&dev->join));
    return true;
}

static bool send_gathered(struct netdev *dev)
{
    struct pktbuf *first = dev->gathered;

    if (first && !(first->next ? send_segment(dev, first) : send(dev, first)))
        return false;
    dev->gathered = NULL;
    return true;
}

/* Return: true if the frame continues what was gathered, and has become part of it. */
static bool gather_more(struct netdev *dev, struct pktbuf *pkt)
{
    if (!dev->gathered || pkt->csum != PKTBUF_CSUM_PARTIAL ||
        dev->join.count == NETDEV_SEGMENT_FRAMES || !net_join_add(&dev->join, pkt, SEGMENT_BYTES))
        return false;
    dev->gathered_last->next = pkt;
    dev->gathered_last = pkt;
    return true;
}

/* Return: true if the frame waits for others that may continue it. */
static bool gather_first(struct netdev *dev, struct pktbuf *pkt)
{
    if (!(dev->features & (NETDEV_TX_TSO4 | NETDEV_TX_TSO6)) || pkt->csum != PKTBUF_CSUM_PARTIAL ||
        !net_join_begin(&dev->join, pkt) || dev->join.mss < NETDEV_SEGMENT_MSS ||
        !(dev->features & (dev->join.place.is_ipv6 ? NETDEV_TX_TSO6 : NETDEV_TX_TSO4)))
        return false;
    dev->gathered = dev->gathered_last = pkt;
    return true;
}

void netdev_transmit_retry(struct netdev *dev)
{
    if (dev->unsent && send_gathered(dev) && send(dev, dev->unsent))
        dev->unsent = NULL;
}

void netdev_transmit(struct netdev *dev, struct pktbuf *pkt)
{
    netdev_transmit_retry(dev);
    if (dev->unsent) {
        netdev_count(&dev->counters.tx_drops, 1);
        pktbuf_free(pkt);
        return;
    }
    pkt->next = NULL;
    if (gather_more(dev, pkt))
        return;
    if (!send_gathered(dev) || (!gather_first(dev, pkt) && !send(dev, pkt)))
        dev->unsent = pkt;
}

void netdev_transmit_flush(struct netdev *dev)
{
    (void)send_gathered(dev);
    dev->ops->tx_flush(dev);
}
