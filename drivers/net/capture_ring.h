/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as bytes in a ring: one writer (net_task), one reader (management), no lock. What does not
 * fit is lost and counted; the writer never waits.
 */
#ifndef SOCLE_NET_CAPTURE_RING_H
#define SOCLE_NET_CAPTURE_RING_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum capture_direction { CAPTURE_UNKNOWN, CAPTURE_INBOUND, CAPTURE_OUTBOUND };

struct capture_frame {
    u64 time_ns;  /* since boot */
    u32 bytes;    /* of the frame */
    u32 captured; /* of these, from its first on */
    u32 direction;
    u32 reserved;
};

struct capture_ring {
    u8 *data;  /* (c) */
    u32 size;  /* (c) a power of two */
    u32 head;  /* (a) writer: bytes ever written */
    u32 tail;  /* (a) reader: bytes ever read */
    u64 taken; /* (a) writer: frames */
    u64 lost;  /* (a) writer: frames */
};

void capture_ring_init(struct capture_ring *ring, u8 *data, u32 size);

/* Bytes that wait for the reader. Context: any. */
u32 capture_ring_used(const struct capture_ring *ring);

/* Context: writer. */
void capture_ring_put(struct capture_ring *ring, const struct capture_frame *frame,
                      const u8 *bytes);

/* The oldest frame, which stays. Return: false if there is none. Context: reader. */
bool capture_ring_peek(const struct capture_ring *ring, struct capture_frame *frame) must_check;

/* Takes the frame that capture_ring_peek gave, with frame->captured bytes. Context: reader. */
void capture_ring_take(struct capture_ring *ring, const struct capture_frame *frame, u8 *bytes);

#endif
