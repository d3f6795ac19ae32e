/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver of virtio-net wants to receive, as it says by the control queue: modes, addresses
 * and VLANs. The switch has sorted out others' unicasts before; this spares the guest groups it has
 * not joined. Without the features it gets everything. Callers serialise.
 */
#ifndef SOCLE_VDEV_VIRTIO_NET_FILTER_H
#define SOCLE_VDEV_VIRTIO_NET_FILTER_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vdev/virtqueue.h"

/* Addresses of each kind that are kept; a driver that lists more gets all of that kind. */
#define NET_FILTER_MACS  64u
#define NET_FILTER_VLANS 4096u

/* Spec: Virtio 1.2, 5.1.3 "Feature bits". */
#define NET_F_CTRL_VQ   BIT(17)
#define NET_F_CTRL_RX   BIT(18)
#define NET_F_CTRL_VLAN BIT(19)
#define NET_F_CTRL_RX_X BIT(20) /* CTRL_RX_EXTRA */

/* What ends a command. Spec: Virtio 1.2, 5.1.6.5 "Control Virtqueue". */
#define NET_CTRL_OK  0u
#define NET_CTRL_ERR 1u

struct net_filter_table {
    u32 count;
    bool is_full; /* more than there is room for */
    u8 macs[NET_FILTER_MACS][6];
};

struct net_filter {
    bool is_promisc, all_multi, all_uni; /* pass */
    bool no_multi, no_uni, no_bcast;     /* do not */
    struct net_filter_table uni, multi;
    u64 vlans[NET_FILTER_VLANS / 64];
};

/* As after a reset: everything passes, but VLANs, which are looked at only with NET_F_CTRL_VLAN. */
void net_filter_reset(struct net_filter *filter);

/* Does what the command in the chain's readable part says. features: those the driver took. Return:
 * what it is to be told, NET_CTRL_OK or NET_CTRL_ERR. */
u8 net_filter_command(struct net_filter *filter, u64 features, const struct gmem *gmem,
                      const struct virtq_chain *chain) must_check;

/* Whether a frame, with a whole header, is wanted by a card with this address; NULL: with any. */
bool net_filter_passes(const struct net_filter *filter, u64 features, const u8 mac[6],
                       const u8 *frame, u32 bytes) must_check;

#endif
