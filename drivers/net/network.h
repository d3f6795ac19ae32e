/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's networks: a switch each, in the order of their names.
 *
 * Management makes and deletes them; net_task alone forwards. The network UPLINK_NETWORK is there
 * from boot if there is a NIC: kind bridge, the first NIC, no VLAN; the management agent is on it.
 * A network in use is not replaced.
 */
#ifndef SOCLE_NET_NETWORK_H
#define SOCLE_NET_NETWORK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/netport.h"

#define UPLINK_NETWORK   "uplink"
#define DEFAULT_NETWORK  "default" /* kind nat */
#define NETWORK_NAME_MAX 63
#define NETWORKS_MAX     64u
#define NETWORK_MTU_MIN  576u

enum network_kind { NETWORK_BRIDGE, NETWORK_ISOLATED, NETWORK_NAT };

struct network_config {
    char name[NETWORK_NAME_MAX + 1];
    enum network_kind kind;
    char uplink[16]; /* bridge: the NIC's address on the PCI bus; empty: the first */
    u16 vlan;        /* bridge: tag of its frames on the uplink; 0: none */
    u32 mtu;         /* 0: 1500, or less if the uplink takes less */
};

struct network_info {
    struct network_config cfg;
    u32 ports;
    bool is_builtin;
};

/* Context of all: management task. */

/*
 * Makes it, or replaces one without ports. Return: 0; -EBUSY (in use, built-in, or another network
 * has this VLAN of the uplink), -ENODEV (no such NIC), -ENOSPC, -ENOMEM, -EINVAL (MTU or VLAN).
 */
int network_put(const struct network_config *cfg, bool *is_new) must_check;

/* Return: 0, -ENOENT, -EBUSY (in use or built-in). */
int network_delete(const char *name) must_check;

/* Return: 0, -ENOENT. */
int network_get(const char *name, struct network_info *out) must_check;

/* Walks them in name order; starts with an empty name. Return: false at the end. */
bool network_next(const char *after, struct network_info *out);

/* The first port of a network at or behind an index of the table of all; NULL if there is none. The
 * port is the owner's: look, do not touch. */
const struct netport *network_port_next(const char *name, u32 index);

#endif
