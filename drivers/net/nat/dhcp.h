/* SPDX-License-Identifier: BSD-2-Clause */
/* DHCP messages: read from a client, built for it. Spec: RFC 2131, RFC 2132. */
#ifndef SOCLE_NET_NAT_DHCP_H
#define SOCLE_NET_NAT_DHCP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define DHCP_REPLY_MAX 548u /* any client takes 576 bytes with the headers. Spec: RFC 2131 2 */

enum dhcp_type {
    DHCP_DISCOVER = 1,
    DHCP_OFFER,
    DHCP_REQUEST,
    DHCP_DECLINE,
    DHCP_ACK,
    DHCP_NAK,
    DHCP_RELEASE,
    DHCP_INFORM,
};

/* What a client asks; addresses 0 where it says none. */
struct dhcp_request {
    u8 type;
    u32 xid;
    bool wants_broadcast;
    u32 client;    /* ciaddr: the address it uses */
    u32 requested; /* option 50 */
    u32 server;    /* option 54 */
    u8 mac[6];
};

struct dhcp_reply {
    u8 type;
    u32 xid;
    bool wants_broadcast;
    u32 client;  /* ciaddr, copied in an ACK */
    u32 address; /* yiaddr */
    u8 mac[6];
    u32 server, netmask; /* server: router and DNS server, too */
    u32 lease_s;         /* 0: no lease options (INFORM, NAK) */
    u16 mtu;
    const char *host_name; /* "": none */
    const char *domain;
};

/* Return: 0; -EPROTO: not a request of an Ethernet client, by a relay, or malformed. */
int dhcp_parse(const u8 *message, u32 bytes, struct dhcp_request *out) must_check;

/* Return: the length, at most DHCP_REPLY_MAX; names that do not fit are left out. */
u32 dhcp_build(const struct dhcp_reply *reply, u8 out[DHCP_REPLY_MAX]);

#endif
