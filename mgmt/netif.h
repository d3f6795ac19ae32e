/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's network interface: lwIP on a port of net_task. Context of all: management task. */
#ifndef SOCLE_MGMT_NETIF_H
#define SOCLE_MGMT_NETIF_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/host_config.h"

/*
 * Starts lwIP and attaches it to the first NIC; wake is called when frames have arrived.
 * Context: boot. Return: 0; -ENODEV (no NIC: lwIP runs, nothing comes).
 */
int netif_start(const struct host_config *cfg, void (*wake)(void *arg)) must_check;

/* Hands received frames to lwIP, follows the link, falls back from DHCP. */
void netif_poll_port(void);

/* The address as text, "" while there is none. */
const char *netif_address_text(void);

#endif
