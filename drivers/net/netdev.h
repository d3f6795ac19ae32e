/* SPDX-License-Identifier: BSD-2-Clause */
/* What every NIC driver gives to net_task, the only task that touches NIC rings. */
#ifndef SOCLE_NET_NETDEV_H
#define SOCLE_NET_NETDEV_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"
#include "drivers/net/tcp_segment.h"

/* A transmitter that has not moved for so long, with the link up, hangs: its driver resets it. */
#define NETDEV_HANG_NS 2000000000ull

/* Features. */
#define NETDEV_TX_CSUM BIT(0) /* completes checksums (PKTBUF_CSUM_PARTIAL) of frames it sends */
#define NETDEV_RX_CSUM BIT(1) /* says of frames it received whether their checksum is right */
#define NETDEV_TX_TSO4 BIT(2) /* cuts TCP segments over IPv4 into frames: has tx_segment */
#define NETDEV_TX_TSO6 BIT(3) /* over IPv6 */

/* A segment for a card to cut: at most so many frames, each with so many bytes of payload or more.
 * Less is not worth it, and not what cards are tested with: a guest chooses the size. */
#define NETDEV_SEGMENT_FRAMES 48u
#define NETDEV_SEGMENT_MSS    256u

struct netdev;

/* Context of all: net_task, with the NIC's interrupt possibly firing meanwhile. */
struct netdev_ops {
    /* Moves the next received frame to the caller; NULL if none. Refills its ring itself. */
    struct pktbuf *(*rx_poll)(struct netdev *dev);
    /*
     * Return: false if the ring is full. On true the frame belongs to the driver until it is sent.
     * Its checksum may be partial only for a device with NETDEV_TX_CSUM; its `next` is NULL.
     */
    bool (*tx)(struct netdev *dev, struct pktbuf *pkt);
    /*
     * As tx, for several frames of one TCP segment that the device cuts into these again; only with
     * NETDEV_TX_TSO4 or 6. They are linked by `next`; the headers in front of the first are those
     * of the whole segment, of the others only the payload is sent. The join is the caller's.
     */
    bool (*tx_segment)(struct netdev *dev, struct pktbuf *first, const struct net_join *join);
    /* Tells the hardware about queued frames, frees what has been sent, resets it if it hangs. */
    void (*tx_flush)(struct netdev *dev);
    /* Turns the receive interrupt on again. Return: true if frames arrived meanwhile (poll again).
     */
    bool (*irq_enable)(struct netdev *dev);
    bool (*link_up)(struct netdev *dev);
    /* Takes frames for every address, or its own only, as dev->is_promisc says; a reset keeps it.
     */
    void (*set_promisc)(struct netdev *dev);
    /* dev->mtu has changed, which a reset keeps. NULL: the device need not know. */
    void (*set_mtu)(struct netdev *dev);
};

/* Written by net_task (frames, bytes, link) and by the driver on net_task; read by anybody. */
struct netdev_counters {
    u64 rx_frames, rx_bytes;
    u64 tx_frames, tx_bytes;
    u64 rx_drops;    /* no buffer to take the frame's place, or longer than its network's MTU */
    u64 rx_errors;   /* the device said so, or its length is impossible */
    u64 tx_segments; /* of TCP that the device cut into some of tx_frames */
    u64 tx_drops;    /* lost in a reset, or the device is out of order */
    u64 link_changes;
    u64 resets; /* after a hang or a breach of protocol */
};

struct netdev {
    const struct netdev_ops *ops;
    const char *driver;
    const char *model; /* what the maker calls it */
    char bdf[16];
    u8 mac[6];
    u32 mtu_max;       /* largest IP packet it can take: at most PKTBUF_MTU_MAX */
    u32 mtu;           /* (o) and does: the most that a network behind it wants; 1500 for less */
    u32 features;      /* (o) net_task; TSO comes and goes with the link's speed */
    bool is_polled;    /* no interrupt arrives: net_task looks every millisecond */
    bool link_changed; /* (a) set by the interrupt handler: net_task asks link_up() */
    bool is_link_up;   /* (a) as net_task saw it last */
    u32 speed_mbps;    /* (a) of the link, by the driver's link_up; 0: it does not tell */
    bool is_promisc;   /* (o) net_task: VMs behind it have addresses of their own */
    u32 users;         /* (o) networks it is the uplink of; without any it is not looked at */
    struct pktbuf *unsent;                   /* (o) net_task's, refused by the full ring */
    struct pktbuf *gathered, *gathered_last; /* (o) net_task's: frames of one segment, older */
    struct net_join join;                    /* (o) of these */
    struct netdev_counters counters;
    void (*wake)(void); /* set by net_task before the device starts; interrupt context */
    struct netdev *next;
};

/* Called by a driver's probe. Context: boot. */
void netdev_register(struct netdev *dev);

/* All NICs, in the order of their registration; NULL gives the first. Context: any, after boot. */
const struct netdev *netdev_next(const struct netdev *dev);

/* Both MTUs, before it is registered: nobody wants more than Ethernet's usual one yet. */
static inline void netdev_init_mtu(struct netdev *dev, u32 mtu_max)
{
    dev->mtu_max = MIN(mtu_max, PKTBUF_MTU_MAX);
    dev->mtu = MIN(dev->mtu_max, ETHERNET_MTU);
}

/* A counter that others read while net_task counts. */
static inline void netdev_count(u64 *counter, u64 n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* Context: the driver's interrupt handler. */
static inline void netdev_wake(const struct netdev *dev)
{
    if (dev->wake)
        dev->wake();
}

/* Largest frame the device may hand over: with one VLAN tag, without FCS. */
static inline u32 netdev_frame_max(const struct netdev *dev)
{
    return dev->mtu + ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES;
}

#endif
