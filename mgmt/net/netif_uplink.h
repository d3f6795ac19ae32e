/* SPDX-License-Identifier: BSD-2-Clause */
/* What guests on networks of kind nat share of lwIP's IPv6. */
#ifndef SOCLE_MGMT_NETIF_UPLINK_H
#define SOCLE_MGMT_NETIF_UPLINK_H

#include "drivers/net/nat/nat.h"

struct netif;

/*
 * Brings `known` up to date: the interface's addresses, and its router as lwIP knows it. Return:
 * true if it changed. Context: the agent.
 */
bool netif_uplink_follow_v6(const struct netif *lwip, struct nat_uplink_v6 *known);

#endif
