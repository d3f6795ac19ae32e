/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by what is in this folder only. */
#ifndef SOCLE_NET_INTERNAL_H
#define SOCLE_NET_INTERNAL_H

#include "core/lib/types.h"
#include "drivers/net/capture_ring.h"
#include "drivers/net/netdev.h"
#include "drivers/net/netport.h"
#include "drivers/net/network.h"
#include "drivers/net/vswitch.h"

/* A network: made and freed by management, its switch used by net_task only. */
struct network {
    struct network_config cfg;    /* (c) */
    bool is_builtin;              /* (c) */
    u32 mtu;                      /* (o) written in net_task_call: management reads it, too */
    struct netdev *dev;           /* (c) bridge: its uplink */
    struct network *next;         /* management: in name order */
    struct nat_network *nat;      /* (c) kind nat */
    u32 port_count;               /* management: of VMs */
    bool is_hosts;                /* management: the host's own port is on it */
    bool was_made_for_host;       /* (c) */
    struct vswitch sw;            /* (o) net_task */
    struct vswitch_port uplink;   /* (o) */
    struct netport *ports;        /* (o) */
    struct network *next_bridge;  /* (o) of all with an uplink */
    struct net_capture *captures; /* (o) NULL: nobody looks */
};

/*
 * Runs fn on net_task, between two frames, and returns when it is done; before net_task runs, here.
 * Context: boot, management task.
 */
void net_task_call(void (*fn)(void *arg), void *arg);

/* What net_task looks through; net_task's own but for the ports, which management reads, too. */
struct net_table {
    struct network *bridges;             /* networks with an uplink */
    struct netport *ports[NETPORTS_MAX]; /* (a) by index */
    struct netport *host_ports;          /* those with NETPORT_HOST */
};

extern struct net_table net_table;

/* The NIC's link is the link of all ports behind it. Context: net_task. */
void net_tell_link(const struct netdev *dev);

/* The port at this index goes. Context: net_task. */
void net_task_forget(u32 index);

/* Has the task look around. Context: any. */
void net_task_wake(void);

/* Context: net_task (in net_task_call). */
int net_task_add_port(struct netport *port) must_check; /* 0, -EEXIST (MAC address), -ENOSPC */
void net_task_remove_port(struct netport *port);
void net_task_add_bridge(struct network *network);
void net_task_remove_bridge(struct network *network);
void net_task_set_mtu(struct network *network, u32 mtu); /* of one with an uplink */

/* The port at an index of the table, NULL if there is none. Context: management task. */
const struct netport *net_task_port(u32 index);

/* The first NIC, or the one with this address on the PCI bus; NULL if there is none. Context: boot,
 * management task. */
struct netdev *net_task_nic(const char *bdf);

/* Finds a network by name; NULL as the name: the built-in one. Context: management task. */
struct network *network_find(const char *name);

/* The first in name order. Context: management task. */
struct network *network_first(void);

/* Fills in what a configuration of kind nat leaves open, and checks it; old: what it replaces, or
 * NULL. Return: 0, -EINVAL, -ERANGE, -EEXIST, as network_put. Context: management task. */
int network_nat_settle(struct network_config *cfg, const struct network *old) must_check;

/* Makes UPLINK_NETWORK of the first NIC, if there is one and it was not made. Return: 0, -ENODEV,
 * -ENOMEM. Context: boot, management task. */
int network_make_builtin(void) must_check;

/* Shows a frame to the captures of a network. port: whom it came from (OUTBOUND; NULL: the uplink)
 * or goes to (INBOUND). Context: net_task. */
void net_capture_frame(struct net_capture *first, const struct netport *port,
                       const struct pktbuf *pkt, enum capture_direction direction);

/* The network goes. Context: management task. */
void net_capture_end_all(struct network *network);

/* Lets the task look at the port's rings. Context: any. */
void net_task_notice(const struct netport *port);

/* The owner took a frame out of its inbox: goes on if the task had stopped for want of room. */
void net_task_inbox_drained(const struct netport *port);

#endif
