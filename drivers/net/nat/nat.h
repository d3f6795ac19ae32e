/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAT between an inside network of guests and the host's uplink addresses, IPv4 and IPv6, with the
 * gateway's ARP, neighbour discovery, DHCP server, router advertisements, DNS forwarder and port
 * forwards. Pure: frames in, frames out through nat_ops.
 *
 * Context of all functions: one caller at a time (net_task).
 */
#ifndef SOCLE_NET_NAT_NAT_H
#define SOCLE_NET_NAT_NAT_H

#include "core/lib/compiler.h"
#include "core/lib/siphash.h"
#include "core/lib/types.h"
#include "drivers/net/inet_address.h"
#include "drivers/net/pktbuf.h"

#define NAT_NAME_MAX  63u
#define NAT_DNS_MAX   3u
#define NAT_HOST_V6   3u /* IPv6 addresses the host may have */
#define NAT_FORWARDS  64u
#define NAT_PORT_LOW  0x4000u /* below: the host's listeners and forwards */
#define NAT_PORT_HIGH 0xbfffu /* above: ephemeral ports of the host's own connections */

struct nat;

/* Where frames go; both take the frame over. */
struct nat_ops {
    void (*to_inside)(void *arg, struct pktbuf *pkt);
    void (*to_uplink)(void *arg, struct pktbuf *pkt);
};

struct nat_config {
    char network[NAT_NAME_MAX + 1]; /* its name: domain <network>.internal */
    u8 mac[6];                      /* of the gateway */
    u32 gateway;                 /* its address; addresses are numbers: 192.168.77.1 = 0xc0a84d01 */
    u8 prefix_bits;              /* of the inside network, 8 to 30 */
    u32 range_first, range_last; /* what DHCP gives away */
    u16 mtu;                     /* of the inside network */
    u16 port_first, port_count;  /* this network's own slice of NAT_PORT_LOW to NAT_PORT_HIGH */
    struct siphash_key secret;   /* random */
};

/* The host's IPv6, as the agent's lwIP has it. */
struct nat_uplink_v6 {
    bool is_up;      /* there is an address for guests to share, and a router */
    bool is_on_link; /* others with the address's first 64 bits are reached without the router */
    u16 mtu;
    struct inet_address address, router;    /* the router's is link-local */
    struct inet_address hosts[NAT_HOST_V6]; /* all the host's addresses; none: free */
};

/* The host's side, as the agent's lwIP has it. No IPv4 address: is_up false. */
struct nat_uplink {
    bool is_up;
    u8 mac[6];
    struct nat_uplink_v6 v6;
    u16 mtu;
    u32 address, netmask, gateway;
    u32 dns[NAT_DNS_MAX]; /* 0: none */
};

struct nat_forward {
    u8 protocol; /* IP_PROTOCOL_TCP, IP_PROTOCOL_UDP */
    u16 host_port;
    u16 port;
    char vm[NAT_NAME_MAX + 1];
};

/* Frames, unless it says otherwise. */
struct nat_counters {
    u64 out_frames, in_frames; /* translated */
    u64 malformed;             /* headers that lie, options, fragments too small to translate */
    u64 spoofed;               /* sources that are not theirs */
    u64 refused;               /* destinations a guest may not reach */
    u64 unknown;               /* belong to no connection, or fragments to no datagram */
    u64 unsupported;           /* neither IP nor ARP; protocols without ports; IPv6 fragments */
    u64 no_uplink;             /* the host has no address, or the next hop does not answer */
    u64 table_full;            /* connections refused */
    u64 evicted;               /* connections given up for newer ones */
    u64 dhcp_replies, dhcp_drops;
    u64 dns_answers, dns_forwards, dns_drops;
};

/* Size of a struct nat, for who allocates it (zeroed). */
size_t nat_bytes(void);

/* Return: 0; -EINVAL (subnet, range or ports do not fit). */
int nat_init(struct nat *nat, const struct nat_config *cfg, const struct nat_ops *ops,
             void *arg) must_check;

/* Gives back the frames it holds. */
void nat_fini(struct nat *nat);

/* Tells the uplink's state; an address that changed ends the connections of its family. Return: 0;
 * -EINVAL (the inside network overlaps the uplink's: there is no uplink of that family then). */
int nat_uplink_set(struct nat *nat, const struct nat_uplink *uplink) must_check;

/*
 * Replaces the port forwards; connections of those that went end.
 * Return: 0; -EINVAL (protocol or port), -EEXIST (two with the same host port), -E2BIG.
 */
int nat_forwards_set(struct nat *nat, const struct nat_forward *forwards, u32 count) must_check;

/* A VM's NIC came: its name serves DNS and forwards. Return: 0; -ENOSPC. */
int nat_host_add(struct nat *nat, const u8 mac[6], const char *vm) must_check;

/* The NIC went; its connections and lease end. */
void nat_host_remove(struct nat *nat, const u8 mac[6]);

/* The address of a NIC as it was last seen, 0 if none. */
u32 nat_host_address(const struct nat *nat, const u8 mac[6]);

/* A frame for the gateway, a group or all, from the inside network. Takes it over. */
void nat_from_inside(struct nat *nat, struct pktbuf *pkt, u64 now_ns);

/* A frame the uplink received. Return: true if it was taken over; false: it is for the host. */
bool nat_from_uplink(struct nat *nat, struct pktbuf *pkt, u64 now_ns) must_check;

/* Ends what timed out, a bounded piece of it per call. Call it once a second. */
void nat_tick(struct nat *nat, u64 now_ns);

const struct nat_counters *nat_counters(const struct nat *nat);
u32 nat_connection_count(const struct nat *nat);

#endif
