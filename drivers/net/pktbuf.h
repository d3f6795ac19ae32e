/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network frames in pooled, DMA-able buffers. A buffer has one owner at a time and moves; it is
 * never shared.
 */
#ifndef SOCLE_NET_PKTBUF_H
#define SOCLE_NET_PKTBUF_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

/* Before the frame: for a driver's own header (virtio-net's), a VLAN tag. */
#define PKTBUF_HEADROOM  16u
/* Behind the headroom: also what the device fills of one receive descriptor, whose sizes are powers
 * of two. */
#define PKTBUF_DATA      2048u
#define PKTBUF_BYTES     2112u /* with the headroom, in whole cache lines */
/* Buffers of the second class, for what does not fit: a frame of PKTBUF_MTU_MAX with its tag. */
#define PKTBUF_BIG_DATA  9056u
#define PKTBUF_BIG_BYTES 9088u
#define PKTBUF_MTU_MAX   9000u

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
    u8 *buffer;          /* PKTBUF_BYTES, or PKTBUF_BIG_BYTES */
    u16 offset;          /* of the frame in the buffer */
    u16 len;             /* of the frame, without FCS */
    u16 csum_start;      /* PARTIAL: counted from the frame's first byte */
    u16 csum_offset;     /* PARTIAL: of the field, counted from csum_start */
    u8 csum;             /* enum pktbuf_csum */
    bool is_big;         /* (c) */
};

static inline u8 *pktbuf_data(const struct pktbuf *pkt)
{
    return pkt->buffer + pkt->offset;
}

/* Bytes of the longest frame it can hold, at its usual place. */
static inline u32 pktbuf_room(const struct pktbuf *pkt)
{
    return pkt->is_big ? PKTBUF_BIG_DATA : PKTBUF_DATA;
}

/* Context: task, boot. Return: 0, -ENOMEM. */
int pktbuf_pool_init(u32 count) must_check;

/* One with room for PKTBUF_DATA. Context: any. Return: NULL if the pool is empty (counted). */
struct pktbuf *pktbuf_alloc(void);

/* One with room for so many bytes. Context: any. Return: NULL if there is none (counted), or no
 * buffer is as large. */
struct pktbuf *pktbuf_alloc_for(u32 bytes);
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
