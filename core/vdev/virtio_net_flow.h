/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pair of queues a flow belongs to, pure: frames of one flow stay in order, and answers come
 * to the pair, hence to the vCPU, that the guest sends the flow from. Callers serialise.
 * Spec: Virtio 1.2, 5.1.6.5.6 "Automatic receive steering in multiqueue mode".
 */
#ifndef SOCLE_VDEV_VIRTIO_NET_FLOW_H
#define SOCLE_VDEV_VIRTIO_NET_FLOW_H

#include "core/lib/types.h"

#define NET_FLOWS 256u

struct net_steer {
    u8 pairs[NET_FLOWS]; /* by the flow's hash */
};

/* Flows spread over so many pairs, as long as nothing of them was sent. */
void net_steer_reset(struct net_steer *steer, u32 pairs);

/* The guest has sent a frame of the flow by this pair. */
void net_steer_note(struct net_steer *steer, const u8 *frame, u32 bytes, u32 pair);

/* Return: the pair for a received frame. */
u32 net_steer_find(const struct net_steer *steer, const u8 *frame, u32 bytes);

/* The same for both directions of a flow. Return: below NET_FLOWS; 0 for what is no flow. */
u32 net_flow_hash(const u8 *frame, u32 bytes);

#endif
