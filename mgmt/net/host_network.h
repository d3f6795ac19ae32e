/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's network settings in force, and the change of them that is under way. Context of all:
 * management task. */
#ifndef SOCLE_MGMT_HOST_NETWORK_H
#define SOCLE_MGMT_HOST_NETWORK_H

#include "mgmt/net/net_change.h"

/* in_force: borrowed for good; changes are written there. Context: boot, after netif_start. */
void host_network_init(struct host_network *in_force);

/* Applies and rolls back what is due. */
void host_network_poll(void);

const struct host_network *host_network_in_force(void);

/* The latest change. */
const struct net_change *host_network_change(void);

#define HOST_NETWORK_NO_NIC "The host has no such network card."

bool host_network_has_nic(const char *bdf);

/* What host_network_mistake() tells, and what stands in the way on this machine: its cards and the
 * networks of guests. Return and *member: as there. */
const char *host_network_conflict(const struct host_network *net, const char **member);

/* Asks for other settings, checked by the caller. Return: as net_change_begin. */
int host_network_begin(const struct host_network *wanted, u64 trial_ns) must_check;

/* Takes settings over that were in force before a reboot, without a trial. Return: 0; as
 * netif_apply, and all is as before. */
int host_network_restore(const struct host_network *net) must_check;

/* Return: as net_change_confirm. */
int host_network_confirm(u32 number) must_check;

#endif
