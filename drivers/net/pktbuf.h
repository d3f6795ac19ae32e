/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network frames in pooled, DMA-able buffers. A buffer has one owner at a time and moves; it is
 * never shared.
 */
#ifndef SOCLE_NET_PKTBUF_H
#define SOCLE_NET_PKTBUF_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define PKTBUF_BYTES    2048u
#define PKTBUF_HEADROOM 0u

struct pktbuf {
    struct pktbuf *next; /* free list, or the owner's queue */
    hpa_t hpa;           /* of buffer */
    u8 *buffer;          /* PKTBUF_BYTES */
    u16 offset;          /* of the frame in the buffer */
    u16 len;             /* of the frame, without FCS */
};

static inline u8 *pktbuf_data(const struct pktbuf *pkt)
{
    return pkt->buffer + pkt->offset;
}

/* Context: task, boot. Return: 0, -ENOMEM. */
int pktbuf_pool_init(u32 count) must_check;

/* Context: any. Return: NULL if the pool is empty (counted). */
struct pktbuf *pktbuf_alloc(void);
void pktbuf_free(struct pktbuf *pkt);

u64 pktbuf_exhausted_count(void);

#endif
