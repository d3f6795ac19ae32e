/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's networks: a switch each, in the order of their names.
 *
 * Management makes and deletes them; net_task alone forwards. The network UPLINK_NETWORK is there
 * from boot if there is a NIC: kind bridge, the first NIC, no VLAN; the management agent is on it.
 * A network in use is not replaced; its port forwards change at any time. Of UPLINK_NETWORK the MTU
 * changes while no VM is on it.
 */
#ifndef SOCLE_NET_NETWORK_H
#define SOCLE_NET_NETWORK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/nat/nat.h"
#include "drivers/net/netport.h"

#define UPLINK_NETWORK   "uplink"
#define DEFAULT_NETWORK  "default" /* kind nat */
#define HOST_NETWORK     "host"    /* or "host-2" …: made for the host's own port */
#define NETWORK_NAME_MAX 63
#define NETWORKS_MAX     64u
#define NETWORK_MTU_MIN  576u
#define NETWORK_MTU_MAX  PKTBUF_MTU_MAX

enum network_kind { NETWORK_BRIDGE, NETWORK_ISOLATED, NETWORK_NAT };

/* The prefix of the inside network of kind nat. */
#define NETWORK_PREFIX_MIN 8u
#define NETWORK_PREFIX_MAX 29u

/* The inside of a network of kind nat; addresses are numbers: 192.168.77.0 is 0xc0a84d00. */
struct network_nat {
    u32 subnet; /* 0: what it had, or a free one; the gateway is the address behind it */
    u8 prefix_bits;
    u32 range_first, range_last; /* what DHCP gives away; both 0: what it had, or all */
    u32 forward_count;
    struct nat_forward forwards[NAT_FORWARDS];
};

struct network_config {
    char name[NETWORK_NAME_MAX + 1];
    enum network_kind kind;
    char uplink[16]; /* bridge: the NIC's address on the PCI bus; empty: the first */
    u16 vlan;        /* bridge: tag of its frames on the uplink; 0: none */
    u32 mtu;         /* 0: 1500, or less if the uplink takes less */
    struct network_nat nat;
};

struct network_info {
    struct network_config cfg;
    u32 ports;
    bool is_builtin;
    bool was_made_for_host; /* by network_host_join */
};

/* Context of all: management task. */

/*
 * Makes it, or replaces one without ports; of one that differs in its forwards only, those are
 * changed, and connections of the ones that went end. On failure the old one stays. Return: 0;
 * -EBUSY (in use, built-in, or another network has this VLAN of the uplink), -ENODEV (no such NIC),
 * -ENOSPC, -ENOMEM, -EINVAL (MTU, VLAN, subnet, range or a forward), -E2BIG (the uplink does not
 * take this MTU), -ERANGE (the subnet overlaps another network's or the uplink's), -EEXIST (a
 * forward has the host port of another one).
 */
int network_put(const struct network_config *cfg, bool *is_new) must_check;

/* Whether network_put would take it, without doing it: *cfg gets what was left to the host. Only
 * room for it remains open. Return: as network_put. */
int network_check(struct network_config *cfg) must_check;

/* Return: 0, -ENOENT, -EBUSY (in use or built-in). */
int network_delete(const char *name) must_check;

/* Makes a network built in: it is changed, if nobody is on it, but neither deleted nor given
 * another kind. */
void network_keep(const char *name);

/*
 * Finds, or makes, the network behind a NIC (its address on the PCI bus; empty: the first) and a
 * VLAN for the host's own port, one at a time; it is kept until network_host_leave. *name: which it
 * is, NETWORK_NAME_MAX + 1 bytes. Return: 0; -ENODEV (no such NIC), -EINVAL (VLAN), -ENOSPC,
 * -ENOMEM.
 */
int network_host_join(const char *nic, u16 vlan, char *name) must_check;

/* The host's port has been detached. What was made for it goes, unless VMs are on it. */
void network_host_leave(const char *name);

/* Return: 0, -ENOENT. */
int network_get(const char *name, struct network_info *out) must_check;

/* Walks them in name order; starts with an empty name. Return: false at the end. */
bool network_next(const char *after, struct network_info *out);

/* What a network of kind nat has counted, and its connections. Return: false for other kinds. */
bool network_nat_counters(const char *name, struct nat_counters *out, u32 *connections);

/* The port of a VM's card on a network; NULL if it is not there. The port is the owner's: look, do
 * not touch. */
const struct netport *network_port_find(const char *network, const char *vm, const char *nic);

/* The first port of a network at or behind an index of the table of all; NULL if there is none. The
 * port is the owner's: look, do not touch. */
const struct netport *network_port_next(const char *name, u32 index);

#endif
