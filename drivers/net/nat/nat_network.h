/* SPDX-License-Identifier: BSD-2-Clause */
/* NATs as parts of networks: the gateway's port, the host's port they share, VMs' NICs. */
#ifndef SOCLE_NET_NAT_NAT_NETWORK_H
#define SOCLE_NET_NAT_NAT_NETWORK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/nat/nat.h"
#include "drivers/net/netport.h"
#include "drivers/net/network.h"

/* Networks of kind nat at most: each has a slice of the ports. */
#define NAT_NETWORKS_MAX 4u

struct nat_network;

/* Context of all: boot, management task. */

/*
 * Gives a network, which is there already, its gateway and forwards. Return: 0; -ENOSPC (there are
 * NAT_NETWORKS_MAX), -ENOMEM, -EINVAL, -EEXIST (two forwards with the same host port).
 */
int nat_network_create(const struct network_config *network, struct nat_network **out) must_check;
void nat_network_destroy(struct nat_network *n);

/* A VM's NIC came to the network, or left it. */
void nat_network_nic_add(struct nat_network *n, const u8 mac[6], const char *vm);
void nat_network_nic_remove(struct nat_network *n, const u8 mac[6]);

/* Return: as nat_forwards_set. */
int nat_network_forwards(struct nat_network *n, const struct nat_forward *forwards,
                         u32 count) must_check;

/* Whether a subnet overlaps the one the host's own address is in. */
bool nat_network_is_outside(u32 subnet, u32 netmask) must_check;

/* Counters, and connections at this time. */
void nat_network_counters(const struct nat_network *n, struct nat_counters *out, u32 *connections);

/* The host's port and address, which all of them share; told whenever they change. */
void nat_network_uplink(struct netport *host, const struct nat_uplink *uplink);

/* What is due by time, also where no frame comes; to be called once a minute. */
void nat_network_tick(void);

#endif
