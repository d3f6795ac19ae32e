/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of virtio-net, shared by its files only. */
#ifndef SOCLE_VDEV_VIRTIO_NET_IMPL_H
#define SOCLE_VDEV_VIRTIO_NET_IMPL_H

#include "core/vdev/virtio.h"
#include "core/vdev/virtio_net_filter.h"
#include "core/vdev/virtio_net_flow.h"
#include "drivers/net/tcp_segment.h"
#include "drivers/net/netport.h"

#define NET_PAIRS_MAX   8u  /* of queues */
#define NET_BATCH       64u /* frames each way in one call, or commands */
#define NET_FRAME_EXTRA (ETHERNET_HEADER_BYTES + ETHERNET_VLAN_BYTES)

/* 5.1.3 "Feature bits" */
#define NET_F_CSUM       BIT(0)
#define NET_F_GUEST_CSUM BIT(1)
#define NET_F_MTU        BIT(3)
#define NET_F_MAC        BIT(5)
#define NET_F_GUEST_TSO4 BIT(7)
#define NET_F_GUEST_TSO6 BIT(8)
#define NET_F_HOST_TSO4  BIT(11)
#define NET_F_HOST_TSO6  BIT(12)
#define NET_F_HOST_ECN   BIT(13)
#define NET_F_MRG_RXBUF  BIT(15)
#define NET_F_STATUS     BIT(16)
#define NET_F_MQ         BIT(22)

/* 5.1.6 "Device Operation" */
struct net_header {
    u8 flags;
    u8 gso_type;
    u16 hdr_len;
    u16 gso_size;
    u16 csum_start;
    u16 csum_offset;
    u16 num_buffers;
} packed;

_Static_assert(sizeof(struct net_header) == 12, "header of virtio 1.0 and later");

#define NET_HDR_F_NEEDS_CSUM BIT(0)
#define NET_HDR_F_DATA_VALID BIT(1)
#define NET_HDR_GSO_NONE     0u
#define NET_HDR_GSO_TCPV4    1u
#define NET_HDR_GSO_TCPV6    4u
#define NET_HDR_GSO_ECN      BIT(7)

/* What a queue of the driver's is doing. */
struct net_tx {
    struct virtq_chain chain;
    struct net_cut cut; /* of the segment in the chain */
    bool is_cutting;    /* more frames of it are to come */
};

struct nic {
    struct virtio virtio; /* its lock protects what has no other mark, and both rings of the port */
    struct virtio_model model; /* (c) */
    struct netport port;
    bool is_attached; /* (c) */
    bool link_up;     /* net_task: as the guest was told last */
    u16 pairs_max;    /* (c) pairs of queues there are */
    u16 pairs;        /* in use, as the driver says */
    u32 tx_watched;   /* (a) pairs whose transmit queue is looked after without doorbells */
    struct virtq_chain rx_first, rx_next, ctrl_chain;
    struct net_filter filter;
    struct net_steer steer;
    struct net_tx tx[]; /* pairs_max */
};

enum progress { DONE_ONE, NOTHING_TO_DO, NO_ROOM };

/* The driver took all of these. */
static inline bool net_has(const struct nic *nic, u64 features)
{
    return (nic->virtio.accepted & features) == features;
}

/* 5.1.2 "Virtqueues": two of each pair. */
static inline u16 net_rx_queue(u32 pair)
{
    return (u16)(2 * pair);
}

static inline u16 net_tx_queue(u32 pair)
{
    return (u16)(2 * pair + 1);
}

/* Sends what is in a pair's transmit queue, up to a batch. Context: any task, no lock. */
void net_transmit(struct nic *nic, u32 pair);

/* Gives the guest what waits in the port, up to a batch. Context: any task, no lock. */
void net_receive(struct nic *nic);

#endif
