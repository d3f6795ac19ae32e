/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that a device has put into several of its buffers, copied together into one. Only frames
 * longer than a buffer of its ring take this way.
 *
 * Context of all: who polls the device.
 */
#ifndef SOCLE_NET_PKTBUF_JOIN_H
#define SOCLE_NET_PKTBUF_JOIN_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/netdev.h"

/* All zero: no frame is being joined. */
struct pktbuf_join {
    struct pktbuf *pkt; /* as far as it has come; NULL: none, or lost */
    bool is_begun;
    bool is_starved; /* there was no buffer */
    bool is_bad;
};

/* Adds the next piece; bytes are copied. A frame longer than `most`, or one with a piece that
 * is_bad, is lost as a whole. */
void pktbuf_join_add(struct pktbuf_join *join, const u8 *piece, u32 bytes, u32 most, bool is_bad);

/* The last piece was added. Return: the frame, the caller's; NULL: lost, and counted. */
struct pktbuf *pktbuf_join_end(struct pktbuf_join *join, struct netdev_counters *counters);

/* Forgets what has come of a frame. */
void pktbuf_join_reset(struct pktbuf_join *join);

#endif
