/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's network interface: lwIP on a port of net_task. Context of all: management task. */
#ifndef SOCLE_MGMT_NETIF_H
#define SOCLE_MGMT_NETIF_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mgmt/config/host_config.h"

#define NETIF_IPV6_MAX 3u

/* How the interface is now. Texts live as long as the settings stay; addresses in network byte
 * order, 0: none. */
struct netif_view {
    const char *nic;     /* the uplink's address on the PCI bus */
    const char *network; /* the network the host's port is on */
    u8 mac[6];
    bool link_up;
    bool by_dhcp;
    u32 address, netmask, gateway;
    u32 dns[HOST_DNS_MAX];
    u32 ipv6_count;
    char ipv6[NETIF_IPV6_MAX][ADDRESS_TEXT_MAX + 1];
};

/*
 * Starts lwIP and attaches it to the NIC and VLAN of the settings; wake is called when frames have
 * arrived. A NIC that is not there is replaced by the first one, also in *settings.
 * Context: boot. Return: 0; -ENODEV (no NIC: lwIP runs, nothing comes), or as netport_attach.
 */
int netif_start(struct host_network *settings, void (*wake)(void *arg)) must_check;

/*
 * Makes other settings those in force. Connections to an address that goes are reset. Return: 0;
 * -ENODEV (no such NIC), -ENOSPC, -ENOMEM, -EEXIST (a VM's card has the NIC's address): then those
 * before stay in force.
 */
int netif_apply(const struct host_network *settings) must_check;

/* Hands received frames to lwIP, follows the link and DHCP, falls back from it. */
void netif_poll_port(void);

/* The address as text, "" while there is none. */
const char *netif_address_text(void);

/* Why there is no address, as one knows who looks at the host: one short sentence, NULL if there is
 * one. */
const char *netif_problem(void);

/* The NIC the host's port is behind, "" if there is none. */
const char *netif_nic(void);

void netif_look(struct netif_view *view);

#endif
