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
#define PKTBUF_HEADROOM 16u /* before the frame: for a driver's own header (virtio-net's) */

#define ETHERNET_HEADER_BYTES 14u
#define ETHERNET_VLAN_BYTES   4u
#define ETHERNET_MTU          1500u

/* What is known of the checksum of a frame's transport header. */
enum pktbuf_csum {
    PKTBUF_CSUM_UNKNOWN, /* as it stands in the frame, checked by nobody */
    PKTBUF_CSUM_VALID,   /* received; the device has checked it */
    /*
     * The field, csum_offset bytes after csum_start, holds the sum of the pseudo header; the sum of
     * all bytes from csum_start on is to be added and complemented before the frame leaves the
     * host. A receiver here may take it as valid: the frame was never on a wire.
     */
    PKTBUF_CSUM_PARTIAL,
};

struct pktbuf {
    struct pktbuf *next; /* free list, or the owner's queue */
    hpa_t hpa;           /* of buffer */
    u8 *buffer;          /* PKTBUF_BYTES */
    u16 offset;          /* of the frame in the buffer */
    u16 len;             /* of the frame, without FCS */
    u16 csum_start;      /* PARTIAL: counted from the frame's first byte */
    u16 csum_offset;     /* PARTIAL: of the field, counted from csum_start */
    u8 csum;             /* enum pktbuf_csum */
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

/* Frees what is linked by `next`. Context: any. Return: how many. */
static inline u32 pktbuf_free_all(struct pktbuf *pkt)
{
    u32 count = 0;

    for (struct pktbuf *next; pkt; pkt = next, count++) {
        next = pkt->next;
        pktbuf_free(pkt);
    }
    return count;
}

u64 pktbuf_exhausted_count(void);

#endif
