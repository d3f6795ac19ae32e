/* SPDX-License-Identifier: BSD-2-Clause */
/* Internet checksums of frames: left to the device where it can, computed where it cannot. */
#ifndef SOCLE_NET_PKTBUF_CSUM_H
#define SOCLE_NET_PKTBUF_CSUM_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/net/pktbuf.h"

/*
 * Leaves the checksum of a TCP segment (IPv4 without fragments, or IPv6 without extension headers)
 * to who sends the frame: puts the pseudo header's sum into the field and marks it as partial.
 * Other frames stay as they are.
 */
void pktbuf_csum_defer(struct pktbuf *pkt);

/* Marks the frame as partial, with values that come from outside. Return: false if the field does
 * not lie in the frame. */
bool pktbuf_csum_set_partial(struct pktbuf *pkt, u16 start, u16 offset) must_check;

/* Completes a partial checksum in software. */
void pktbuf_csum_complete(struct pktbuf *pkt);

#endif
