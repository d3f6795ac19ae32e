/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of the frames of a network for somebody who looks: of all that come to its switch, also of
 * those it drops, or of those from and to one VM's card. A network nobody looks at pays one
 * comparison a frame.
 */
#ifndef SOCLE_NET_NET_CAPTURE_H
#define SOCLE_NET_NET_CAPTURE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/capture_ring.h"
#include "drivers/net/network.h"

#define NET_CAPTURES_MAX 4u
#define NET_CAPTURE_SNAP (9u * KiB) /* no frame is longer */

struct net_capture_config {
    char network[NETWORK_NAME_MAX + 1];
    char vm[64];        /* empty: all */
    char nic[32];       /* empty: all of the VM */
    u32 snap_bytes;     /* kept of each frame, up to NET_CAPTURE_SNAP */
    void (*wake)(void); /* much waits to be read; net_task */
};

struct net_capture;

/* Context of all: management task. */

/* Return: 0; -ENOENT (no such network), -EBUSY (NET_CAPTURES_MAX are under way), -ENOMEM. */
int net_capture_start(const struct net_capture_config *cfg, struct net_capture **out) must_check;
void net_capture_stop(struct net_capture *capture);

/* From here on no frame is added: time is up. What was captured can be read. */
void net_capture_pause(struct net_capture *capture);

/* Whether frames may still be added: neither paused nor its network deleted. */
bool net_capture_is_live(const struct net_capture *capture);

/* What has been captured so far. */
struct capture_ring *net_capture_ring(struct net_capture *capture);

#endif
