/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's settings out of socle.dtb; the binding is in mgmt/README.md. */
#ifndef SOCLE_MGMT_HOST_CONFIG_H
#define SOCLE_MGMT_HOST_CONFIG_H

#include "core/lib/compiler.h"
#include "core/lib/dtb.h"
#include "core/lib/types.h"

#define HOSTNAME_MAX     63u
#define ADDRESS_TEXT_MAX 47u
#define HTTP_PORT        80u
#define TLS_PORT         443u

#define HOST_DNS_MAX  2u
#define HOST_VLAN_MAX 4094u

/* How the host is on the network. IPv4 addresses in network byte order, as lwIP has them; 0: not
 * given. */
struct host_network {
    char hostname[HOSTNAME_MAX + 1];
    char nic[16]; /* its address on the PCI bus; empty: the first */
    u16 vlan;     /* tag of the host's frames; 0: none */
    bool dhcp;    /* ask first; the static address is the fall-back */
    u32 address;
    u32 netmask;
    u32 gateway;
    u32 dns[HOST_DNS_MAX]; /* in place of those that DHCP names; from the first on */
};

struct host_config {
    struct host_network net;
    bool tls;
    bool has_keys; /* of the host's own console */
    u16 port;      /* of the API: TLS_PORT, or HTTP_PORT without TLS, unless given */
};

void host_config_default(struct host_config *cfg);

/*
 * Overwrites what the device tree sets. The blob may be damaged or hostile: it is checked before it
 * is read; a value that makes no sense is left out and told, like names that are not known. /images
 * and /vms are core/vmm's, tokens and claim code auth_fdt's. Return: 0; -EINVAL if it is no device
 * tree for Socle.
 */
int host_config_read(struct host_config *cfg, const void *dtb, size_t bytes,
                     const struct dtb_report *report) must_check;

bool host_network_is_same(const struct host_network *a, const struct host_network *b);

/* "192.0.2.1" → network byte order. Return: false if it is not exactly that. */
bool ipv4_parse(const char *text, size_t len, u32 *address);

/* "192.0.2.1/24", or /24 if no prefix is given. Return: false if it is not that, and nothing is
 * written. */
bool ipv4_prefix_parse(const char *text, u32 *address, u32 *netmask);

/* The 24 of 255.255.255.0, in network byte order. */
u32 ipv4_prefix_bits(u32 netmask);

/* RFC 1123: letters, digits, hyphens inside. */
bool hostname_is_valid(const char *name);

/*
 * Whether a host can be reached by settings of which each is right for itself. Return: NULL, or one
 * sentence about what does not go together; *pointer: the JSON pointer of the member it is about.
 */
const char *host_network_mistake(const struct host_network *net, const char **pointer);

#endif
