/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies in and out, around the end. */
#include "drivers/net/capture_ring.h"

#include "core/lib/string.h"

void capture_ring_init(struct capture_ring *ring, u8 *data, u32 size)
{
    *ring = (struct capture_ring){.data = data, .size = size};
}

u32 capture_ring_used(const struct capture_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) -
           __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

static void copy_in(const struct capture_ring *ring, u32 at, const void *bytes, u32 count)
{
    u32 start = at & (ring->size - 1);
    u32 first = MIN(count, ring->size - start);

    memcpy(ring->data + start, bytes, first);
    memcpy(ring->data, (const u8 *)bytes + first, count - first);
}

static void copy_out(const struct capture_ring *ring, u32 at, void *bytes, u32 count)
{
    u32 start = at & (ring->size - 1);
    u32 first = MIN(count, ring->size - start);

    memcpy(bytes, ring->data + start, first);
    memcpy((u8 *)bytes + first, ring->data, count - first);
}

void capture_ring_put(struct capture_ring *ring, const struct capture_frame *frame, const u8 *bytes)
{
    u32 head = ring->head;

    if (ring->size - capture_ring_used(ring) < sizeof(*frame) + frame->captured) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return;
    }
    copy_in(ring, head, frame, sizeof(*frame));
    copy_in(ring, head + (u32)sizeof(*frame), bytes, frame->captured);
    __atomic_store_n(&ring->taken, ring->taken + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->head, head + (u32)sizeof(*frame) + frame->captured, __ATOMIC_RELEASE);
}

bool capture_ring_peek(const struct capture_ring *ring, struct capture_frame *frame)
{
    if (capture_ring_used(ring) == 0)
        return false;
    copy_out(ring, ring->tail, frame, sizeof(*frame));
    return true;
}

void capture_ring_take(struct capture_ring *ring, const struct capture_frame *frame, u8 *bytes)
{
    u32 tail = ring->tail;

    copy_out(ring, tail + (u32)sizeof(*frame), bytes, frame->captured);
    __atomic_store_n(&ring->tail, tail + (u32)sizeof(*frame) + frame->captured, __ATOMIC_RELEASE);
}
