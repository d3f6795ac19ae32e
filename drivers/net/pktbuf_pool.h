/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet pool's inside: how buffers get into it. Used by pktbuf_pool_init and by tests only. */
#ifndef SOCLE_NET_PKTBUF_POOL_H
#define SOCLE_NET_PKTBUF_POOL_H

#include "drivers/net/pktbuf.h"

/* Adds one buffer of PKTBUF_BYTES to the pool. Both stay in use until reboot. Context: boot. */
void pktbuf_pool_add(struct pktbuf *pkt, u8 *buffer, hpa_t hpa);

#endif
