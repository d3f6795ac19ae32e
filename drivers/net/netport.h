/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: where frames leave and enter a user of the network (today the management agent).
 *
 * Frames arrive in the port's inbox ring, filled by net_task, drained by the port's owner; frames
 * sent go into its outbox ring, drained by net_task. Both rings have one producer and one consumer
 * and need no lock.
 */
#ifndef SOCLE_NET_NETPORT_H
#define SOCLE_NET_NETPORT_H

#include "core/lib/compiler.h"
#include "core/lib/ring.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"

#define NETPORT_RING 256

struct netport_counters {
    u64 rx_frames, rx_bytes, rx_drops; /* towards the owner */
    u64 tx_frames, tx_bytes, tx_drops; /* from the owner */
};

struct netport {
    u8 mac[6];
    u32 mtu; /* the NIC's */
    bool link_up;
    struct ring inbox;
    struct ring outbox;
    void *inbox_slots[NETPORT_RING];
    void *outbox_slots[NETPORT_RING];
    void (*wake)(void *arg); /* frames arrived or link changed; context: net_task */
    void *wake_arg;
    struct netport_counters counters;
};

/* Makes `port` the user of the first NIC. Context: boot. Return: 0, -ENODEV (no NIC). */
int netport_attach(struct netport *port, void (*wake)(void *arg), void *arg) must_check;

/* Takes the oldest received frame, now the caller's; NULL if none. Context: owner. */
struct pktbuf *netport_receive(struct netport *port);

/* Moves the frame to the network. Return: false if the ring is full (the frame stays the caller's).
 */
bool netport_send(struct netport *port, struct pktbuf *pkt) must_check;

#endif
