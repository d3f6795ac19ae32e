/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's configuration: no threads, static pools only, IPv4 and IPv6, TCP.
 *
 * Sizes follow from the limits of mgmt/http/server.h and mgmt/net/outgoing.h: connections that
 * have a workspace, NBD's, and outgoing ones have at most TCP_SND_BUF bytes in flight towards a
 * slow reader; the others are open and nothing else. Every pool is static, so a flood from the
 * network empties a pool and nothing else.
 */
#ifndef SOCLE_PORT_LWIPOPTS_H
#define SOCLE_PORT_LWIPOPTS_H

/* One task calls lwIP: no locks, no threads, no sockets. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_NETIF_API       0
#define LWIP_TIMERS          1

/* Memory: lwIP's own heap for frames to send, pools for all else. 104 × 32 KiB plus headers, and
 * the ends of handshakes. */
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT   8
#define MEM_SIZE        (6 * 1024 * 1024)
#define PBUF_POOL_SIZE  16

/* A connection in the pools, the server's listeners, and room for half-open and closing ones. */
#define MEMP_NUM_TCP_PCB        368
#define MEMP_NUM_TCP_PCB_LISTEN 4
#define MEMP_NUM_TCP_SEG        3584
#define MEMP_NUM_UDP_PCB        8 /* DHCP, and one for each name being looked up */
#define MEMP_NUM_REASSDATA      4
#define MEMP_NUM_SYS_TIMEOUT    24

/* TCP: 128 KiB receive window, so that an upload is not bound by the round trip. */
#define LWIP_TCP                           1
#define TCP_MSS                            1440
#define LWIP_WND_SCALE                     1
#define TCP_RCV_SCALE                      2
#define TCP_WND                            (128 * 1024)
#define TCP_SND_BUF                        (32 * 1024)
#define TCP_SND_QUEUELEN                   64
#define TCP_LISTEN_BACKLOG                 1
#define TCP_DEFAULT_LISTEN_BACKLOG         128
#define TCP_QUEUE_OOSEQ                    1
#define TCP_OOSEQ_MAX_PBUFS                4
#define TCP_OOSEQ_MAX_BYTES                (4 * TCP_MSS)
#define TCP_MSL                            15000UL
#define LWIP_TCP_KEEPALIVE                 1
#define LWIP_TCP_SACK_OUT                  0
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define SO_REUSE                           1

/* IPv4. */
#define LWIP_IPV4                1
#define LWIP_ARP                 1
#define ARP_TABLE_SIZE           32
#define ARP_QUEUEING             0
#define IP_FORWARD               0
#define IP_REASSEMBLY            1
#define IP_REASS_MAX_PBUFS       16
#define IP_FRAG                  1
#define LWIP_ICMP                1
#define LWIP_BROADCAST_PING      0
#define LWIP_MULTICAST_PING      0
#define LWIP_RAW                 0
#define LWIP_UDP                 1
#define LWIP_DHCP                1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_ACD                 0
#define LWIP_AUTOIP              0
/* Servers' addresses by DHCP, also for guests (drivers/net/nat); names of outgoing connections. */
#define LWIP_DNS                 1
#define LWIP_IGMP                0

/* IPv6 with stateless addresses. */
#define LWIP_IPV6                 1
#define LWIP_IPV6_AUTOCONFIG      1
#define LWIP_IPV6_DHCP6           0
#define LWIP_IPV6_MLD             1
#define LWIP_IPV6_FORWARD         0
#define IPV6_FRAG_COPYHEADER      1
#define LWIP_ND6_NUM_NEIGHBORS    16
#define LWIP_ND6_NUM_DESTINATIONS 32
#define MEMP_NUM_ND6_QUEUE        8
#define MEMP_NUM_MLD6_GROUP       8

/* The interface. */
#define LWIP_SINGLE_NETIF          1
#define LWIP_NETIF_HOSTNAME        1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_TX_SINGLE_PBUF  1
#define LWIP_SUPPORT_CUSTOM_PBUF   1
#define LWIP_NETIF_LOOPBACK        0
#define LWIP_HAVE_LOOPIF           0

/* The NIC, or net_task in its place, computes TCP's checksum (mgmt/net/netif.c); what it has
 * checked of a received frame is not checked again. */
#define CHECKSUM_GEN_TCP             0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1

/* Frames arrive in pktbufs, not in lwIP's pbuf pool, which its check of TCP_WND looks at. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define LWIP_STATS         0
#define LWIP_HOOK_FILENAME "mgmt/port/lwip_hooks.h"

#endif
