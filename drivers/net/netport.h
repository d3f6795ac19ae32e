/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port of a network: where frames enter and leave one of its users (the management agent, a VM's
 * network card, address translation).
 *
 * Frames arrive in the port's inbox, filled by net_task, drained by the port's owner; frames sent
 * go into its outbox, drained by net_task, which switches them. Both rings have one producer and
 * one consumer at a time and need no lock; an owner that works on several tasks serialises them.
 * A frame has one owner: what is in a ring belongs to the ring.
 *
 * Batching: send as many frames as there are, then flush once; net_task wakes a port once per
 * round, after all frames of the round.
 */
#ifndef SOCLE_NET_NETPORT_H
#define SOCLE_NET_NETPORT_H

#include "core/lib/compiler.h"
#include "core/lib/ring.h"
#include "core/lib/types.h"
#include "drivers/net/net_limit.h"
#include "drivers/net/pktbuf.h"
#include "drivers/net/vswitch.h"

#define NETPORT_RING 256u
#define NETPORT_VM_QUEUE                                                    \
    64u /* frames a VM's card may have waiting each way: buffers are scarce \
         */
#define NETPORTS_MAX 1024u

/* Flags of a port. */
#define NETPORT_CHECK_MAC BIT(0) /* drop frames sent from a MAC address that is not its own */
#define NETPORT_ISOLATED  BIT(1) /* exchanges no frames with other isolated ports */
#define NETPORT_HOST      BIT(2) /* part of the host, trusted: no limit on storms, sends VLAN tags */

struct network;

/* Sees frames before the inbox does. Context of take: net_task. Return: true if it took the frame
 * over. */
struct netport_filter {
    bool (*take)(void *arg, struct pktbuf *pkt);
    void *arg;
    struct netport_filter *next;
};

struct netport_counters {
    u64 rx_frames, rx_bytes, rx_drops; /* towards the owner */
    u64 tx_frames, tx_bytes, tx_drops; /* from the owner */
    u64 spoofed;                       /* of tx_drops: not its MAC address */
    u64 storms;                        /* of tx_drops: beyond the limit for broadcasts */
};

/* What an owner says of itself before it attaches; const while attached. */
struct netport_config {
    const char *network; /* its name; NULL: the first uplink's */
    char vm[64];         /* for lists of ports; empty: the host */
    char nic[32];
    u8 mac[6]; /* all zero: the uplink's */
    u32 flags;
    u32 queue;                /* frames waiting each way, up to NETPORT_RING; 0: all of it */
    struct net_limits limits; /* all zero: none */
    void (*wake)(void *arg);  /* frames arrived, room in the outbox, link changed, or asked for */
    void *wake_arg;
};

struct netport {
    struct netport_config cfg;             /* (c) while attached */
    u32 mtu;                               /* (c) the network's */
    u32 index;                             /* (c) of net_task's table */
    bool link_up;                          /* (a) */
    bool wants_wake;                       /* (a) netport_ask */
    bool wants_room;                       /* (a) the owner waits for room in the outbox */
    struct network *network;               /* (c) */
    struct netport *next, *next_host;      /* (o) net_task: of its network; of the host */
    struct vswitch_port in_switch;         /* (o) */
    struct net_limiter tx_limit, rx_limit; /* (o) */
    struct pktbuf *held;                   /* (o) out of the outbox, beyond the limit for now */
    struct netport_filter *filters;        /* (o) */
    struct ring inbox;
    struct ring outbox;
    void *inbox_slots[NETPORT_RING];
    void *outbox_slots[NETPORT_RING];
    struct netport_counters counters; /* net_task's; read by anybody */
    u32 ip_seen;                      /* (a) by net_task: IPv4 address its ARP claims; 0: none */
};

/*
 * Makes the port one of a network. `wake` is called on net_task from then on, with no lock held: it
 * must be short and must not block; it may work on the port itself (receive, send), bounded.
 * Context: boot, management task. Return: 0, -ENOENT (no such network, or no NIC), -EEXIST
 * (another port there has its MAC address), -ENOSPC (ports or memory).
 */
int netport_attach(struct netport *port, const struct netport_config *cfg) must_check;

/* No call of `wake` follows; frames in both rings are freed. Context: management task. */
void netport_detach(struct netport *port);

/* Takes the oldest received frame, now the caller's; NULL if none. Context: owner. */
struct pktbuf *netport_receive(struct netport *port);

/* Whether netport_send would take one more frame. If not, `wake` comes when it would. Context:
 * owner. */
bool netport_has_room(struct netport *port);

/* Moves the frame into the outbox; netport_flush follows, after one or many. Return: false if the
 * outbox is full (the frame stays the caller's). Context: owner. */
bool netport_send(struct netport *port, struct pktbuf *pkt) must_check;
void netport_flush(struct netport *port);

/* The owner had no use for a frame it received. Context: owner. */
void netport_count_drop(struct netport *port);

/* The owner could not make a frame to send. Context: owner. */
void netport_count_unsent(struct netport *port);

/* The IPv4 address the owner's ARP claims, as a number; 0: none so far, or no port (NULL). Context:
 * any. */
static inline u32 netport_ip_seen(const struct netport *port)
{
    return port ? __atomic_load_n(&port->ip_seen, __ATOMIC_RELAXED) : 0;
}

/* Context: net_task. */
void netport_filter_add(struct netport *port, struct netport_filter *filter);
void netport_filter_remove(struct netport *port, struct netport_filter *filter);

/* Has net_task call `wake` in its next round, after it has looked at the outbox. Context: any. */
void netport_ask(struct netport *port);

#endif
