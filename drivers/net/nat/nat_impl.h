/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a NAT, shared by the files of this folder and by their tests only. */
#ifndef SOCLE_NET_NAT_NAT_IMPL_H
#define SOCLE_NET_NAT_NAT_IMPL_H

#include "core/lib/list.h"
#include "drivers/net/nat/ip.h"
#include "drivers/net/nat/nat.h"

#define NAT_HOSTS          256u  /* NICs of one inside network: as many as a switch has ports */
#define NAT_CONNS          8192u /* connections of one network */
#define NAT_CONNS_PER_HOST 2048u /* of one NIC: the others keep three quarters */
#define NAT_BUCKETS        8192u
#define NAT_HOST_OWN6      8u /* IPv6 addresses of one NIC: link-local, stable, temporary ones */
#define NAT_NEIGHBOURS     32u
#define NAT_PENDING        2u /* frames that wait for one neighbour's answer */
#define NAT_FRAGMENTS      64u
#define NAT_QUERIES        256u
#define NAT_QUERIES_HOST   64u
#define NAT_DECLINED       8u
#define NAT_ICMP_BURST     50u /* errors sent at once; as many again per second */

/* What a connection's age is measured against. */
enum nat_state {
    NAT_BRIEF,   /* not answered yet, or an ICMP echo */
    NAT_CLOSING, /* TCP after RST or both FINs */
    NAT_UDP,
    NAT_TCP,
    NAT_STATES
};

/*
 * One translation. The inside end talks to `seen`; outside that is `remote` (they differ for the
 * gateway's own TCP port 53 only). The outside port is the uplink address's.
 */
struct nat_conn {
    struct list link; /* in host->conns[state], the oldest first; or in the free list */
    struct nat_conn *next_inside, *next_outside;
    struct nat_host *host;
    u64 used_ns;
    struct inet_address inside, seen, remote;
    u16 inside_port, outside_port, remote_port;
    u8 protocol;
    u8 state;
    bool is_inbound; /* by a forward: the remote end began */
    u8 fins;         /* BIT(0): from inside, BIT(1): from outside */
};

/* An IPv6 address a NIC uses. */
struct nat_own6 {
    struct inet_address ip; /* none: free */
    u64 used_ns;
};

/* A NIC on the inside network. */
struct nat_host {
    struct nat_host *next; /* by MAC */
    u8 mac[6];
    bool is_used;
    bool is_added;    /* by nat_host_add: never forgotten for another */
    u32 ip;           /* 0: none yet */
    u64 lease_end_ns; /* 0: not by DHCP */
    u64 seen_ns;
    struct nat_own6 own6[NAT_HOST_OWN6];
    u32 conn_count;
    u32 query_count;
    u32 declines; /* addresses it has refused */
    struct list conns[NAT_STATES];
    char vm[NAT_NAME_MAX + 1];
};

struct nat_neighbour {
    struct inet_address ip; /* none: free */
    u8 mac[6];
    bool is_known;
    u8 asked; /* since the last answer */
    u64 asked_ns, known_ns, used_ns;
    struct pktbuf *pending[NAT_PENDING];
};

/* What the first fragment of a datagram was translated to. */
struct nat_fragment {
    struct inet_address src, dst; /* before */
    struct inet_address new_src, new_dst;
    struct nat_host *host; /* NULL: free */
    u64 until_ns;
    u16 id;
    u8 protocol;
};

/* A DNS query on its way. Its slot and some random bits make the outside port. */
struct nat_query {
    struct nat_host *host; /* NULL: free */
    u64 until_ns;
    u64 question;                        /* keyed hash of it */
    struct inet_address inside, gateway; /* both ends inside */
    struct inet_address server;
    u16 inside_port, inside_id, outside_port, outside_id;
};

struct nat {
    struct nat_config cfg;
    const struct nat_ops *ops;
    void *arg;
    u64 now_ns;
    u32 netmask;
    struct nat_uplink uplink;
    struct nat_counters counters;
    u64 randoms; /* numbers drawn so far */
    u64 icmp_tokens, icmp_filled_ns;
    struct inet_address gateway6; /* its lower half is 1: the prefix is its upper half */
    bool uses_ipv6;               /* a guest has spoken it */
    u64 advertised_ns;

    struct nat_forward forwards[NAT_FORWARDS];
    u32 forward_count;

    struct nat_host hosts[NAT_HOSTS];
    struct nat_host *hosts_by_mac[NAT_HOSTS];
    struct {
        u32 ip;
        u64 until_ns;
    } declined[NAT_DECLINED];
    u32 declined_next;
    u32 tick_host; /* where nat_tick goes on */

    struct nat_conn conns[NAT_CONNS];
    struct nat_conn *by_inside[NAT_BUCKETS];
    struct nat_conn *by_outside[NAT_BUCKETS];
    struct list free;
    u32 conn_count;

    struct nat_neighbour neighbours[NAT_NEIGHBOURS];
    struct nat_fragment fragments[NAT_FRAGMENTS];
    struct nat_query queries[NAT_QUERIES];
};

/* nat.c */
u64 nat_random(struct nat *nat);
bool nat_is_inside(const struct nat *nat, struct inet_address ip);
bool nat_is_gateway(const struct nat *nat, struct inet_address ip);
/* The gateway's address of the family and scope of another one. */
struct inet_address nat_gateway_for(const struct nat *nat, struct inet_address ip);
/* The uplink's address and MTU of a family; none: it is down. */
struct inet_address nat_outside(const struct nat *nat, bool is_ipv6);
u16 nat_outside_mtu(const struct nat *nat, bool is_ipv6);
/* Counts and frees. */
void nat_drop(struct pktbuf *pkt, u64 *counter);
/* Gives a frame whose IP packet is complete to a NIC of the inside network. */
void nat_to_host(struct nat *nat, const struct nat_host *host, struct pktbuf *pkt);
/* Sets addresses, and the type from the IP version. */
void nat_ethernet_fill(struct pktbuf *pkt, const u8 dst[6], const u8 src[6]);
/* The first port of DNS queries; those of connections are below it, all in this network's slice. */
u32 nat_dns_port_first(const struct nat *nat);
u32 nat_dns_port_count(const struct nat *nat);

/* nat_host.c */
struct nat_host *nat_host_find(const struct nat *nat, const u8 mac[6]);
/* Finds or makes it, in the place of one that is gone long since if need be. NULL: no room. */
struct nat_host *nat_host_get(struct nat *nat, const u8 mac[6]);
struct nat_host *nat_host_by_ip(struct nat *nat, u32 ip);
struct nat_host *nat_host_by_vm(struct nat *nat, const char *vm, size_t length);
/* The NIC says it has this address: true if it may. */
bool nat_host_claims(struct nat *nat, struct nat_host *host, struct inet_address ip);
/* Connections and queries of its address end, of all if that is none; and fragments. */
void nat_host_clear(struct nat *nat, struct nat_host *host, struct inet_address of);
/* The same for all its addresses of a family. */
void nat_host_clear_family(struct nat *nat, struct nat_host *host, bool is_ipv6);

/* nat_host6.c */
bool nat_host_claims_v6(struct nat *nat, struct nat_host *host, struct inet_address ip);
/* The first one it took of the network's prefix; none if it has none. */
struct inet_address nat_host_own_v6(const struct nat *nat, const struct nat_host *host);

/* nat_conn.c */
void nat_conn_init(struct nat *nat);
struct nat_conn *nat_conn_inside(struct nat *nat, u8 protocol, struct inet_address inside,
                                 u16 inside_port, struct inet_address seen, u16 remote_port);
struct nat_conn *nat_conn_outside(struct nat *nat, u8 protocol, u16 outside_port,
                                  struct inet_address remote, u16 remote_port);
/* Makes a copy of `want` (ends, host, protocol, is_inbound); outside_port 0: picks one. NULL: full.
 */
struct nat_conn *nat_conn_add(struct nat *nat, const struct nat_conn *want);
/* A frame of the connection passed; tcp_flags 0 for others. */
void nat_conn_used(struct nat *nat, struct nat_conn *conn, u8 tcp_flags, bool is_outward);
void nat_conn_remove(struct nat *nat, struct nat_conn *conn);
void nat_conn_expire(struct nat *nat, struct nat_host *host, u32 *budget);

/* nat_forward.c */
const struct nat_forward *nat_forward_find(const struct nat *nat, u8 protocol, u16 host_port);

/* nat_neighbour.c */
/* Sends a frame whose IP packet is complete to where `dst` lies. */
void nat_to_uplink(struct nat *nat, struct pktbuf *pkt, struct inet_address dst);
/* A neighbour of the uplink has answered; ignored if it was not asked. */
void nat_neighbour_learn(struct nat *nat, struct inet_address ip, const u8 mac[6]);
void nat_neighbours_clear(struct nat *nat, bool is_ipv6);
void nat_neighbours_tick(struct nat *nat);

/* nat_arp.c */
void nat_arp_inside(struct nat *nat, struct pktbuf *pkt);
void nat_arp_uplink(struct nat *nat, const struct pktbuf *pkt);
/* Makes the frame a question for a neighbour of the uplink. */
void nat_arp_ask(struct nat *nat, struct pktbuf *pkt, u32 ip);

/* nat_nd.c: neighbour discovery, as ARP. */
void nat_nd_inside(struct nat *nat, struct pktbuf *pkt, struct ip_view *view);
void nat_nd_uplink(struct nat *nat, const struct ip_view *view);
void nat_nd_ask(struct nat *nat, struct pktbuf *pkt, struct inet_address ip);

/* nat_ra.c */
/* Makes the frame of a router solicitation the answer to it. */
void nat_ra_answer(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   struct inet_address dst);
/* Tells all guests, if one of them speaks IPv6. */
void nat_ra_announce(struct nat *nat);
void nat_ra_tick(struct nat *nat);

/* nat_fragment.c */
void nat_fragment_remember(struct nat *nat, const struct ip_view *before,
                           struct inet_address new_src, struct inet_address new_dst,
                           struct nat_host *host);
/* NULL: no first fragment was seen, or too long ago. */
const struct nat_fragment *nat_fragment_find(struct nat *nat, const struct ip_view *view);

/* nat_icmp.c */
enum nat_refusal { NAT_NO_ROUTE, NAT_PROHIBITED, NAT_TOO_BIG, NAT_TIME_EXCEEDED };

void nat_icmp_echo(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   const struct ip_view *view);
/* Answers an inside packet with an error, or drops it if errors are too many. */
void nat_icmp_refuse(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                     const struct ip_view *view, enum nat_refusal why);
/* An error about a connection, translated with what it quotes. Return: false: about none. */
bool nat_icmp_error_out(struct nat *nat, struct pktbuf *pkt, struct ip_view *view);
bool nat_icmp_error_in(struct nat *nat, struct pktbuf *pkt, struct ip_view *view);

/* nat_dhcp.c */
void nat_dhcp(struct nat *nat, struct pktbuf *pkt, const struct ip_view *view);

/* nat_dns.c */
void nat_dns_query(struct nat *nat, struct nat_host *host, struct pktbuf *pkt,
                   struct ip_view *view);
void nat_dns_reply(struct nat *nat, struct pktbuf *pkt, struct ip_view *view);

#endif
