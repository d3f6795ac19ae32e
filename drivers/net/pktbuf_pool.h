/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet pool's inside: how buffers get into it. */
#ifndef SOCLE_NET_PKTBUF_POOL_H
#define SOCLE_NET_PKTBUF_POOL_H

#include "drivers/net/pktbuf.h"

/* Buffers of a NIC's receive ring. */
#define PKTBUF_NIC_RING 256u

/* Adds one buffer of PKTBUF_BYTES to the pool. Both stay in use until reboot. Context: boot. */
void pktbuf_pool_add(struct pktbuf *pkt, u8 *buffer, hpa_t hpa);

/* The same with one of PKTBUF_BIG_BYTES. */
void pktbuf_pool_add_big(struct pktbuf *pkt, u8 *buffer, hpa_t hpa);

/* Buffers that somebody needs, of each class. */
struct pktbuf_need {
    u32 count, big;
};

/* What each NIC reserves. */
#define PKTBUF_NIC_NEED ((struct pktbuf_need){.count = PKTBUF_NIC_RING})

/*
 * Makes sure that the pool has so many buffers more, for the rings of a port or of a NIC; they stay
 * in it, and what is given up is there for the next one. Context: boot, management task. Return: 0,
 * -ENOMEM.
 */
int pktbuf_pool_reserve(struct pktbuf_need need) must_check;
void pktbuf_pool_unreserve(struct pktbuf_need need);

#endif
