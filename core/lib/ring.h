/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single-producer single-consumer ring of pointers; needs no lock.
 *
 * head is written by the producer only, tail by the consumer only; both count up for ever and are
 * reduced to a slot by masking. The size is a power of two.
 */
#ifndef SOCLE_LIB_RING_H
#define SOCLE_LIB_RING_H

#include "core/lib/types.h"

struct ring {
    void **slots;
    u32 size;
    u32 head; /* next slot to fill: producer */
    u32 tail; /* next slot to drain: consumer */
};

static inline void ring_init(struct ring *r, void **slots, u32 size)
{
    r->slots = slots;
    r->size = size;
    r->head = 0;
    r->tail = 0;
}

/* Producer side. Return: false if the ring is full. */
static inline bool ring_push(struct ring *r, void *item)
{
    u32 head = __atomic_load_n(&r->head, __ATOMIC_RELAXED);

    if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) == r->size)
        return false;
    r->slots[head & (r->size - 1)] = item;
    __atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

/* Consumer side. Return: the oldest item, or NULL if the ring is empty. */
static inline void *ring_pop(struct ring *r)
{
    u32 tail = __atomic_load_n(&r->tail, __ATOMIC_RELAXED);
    void *item;

    if (tail == __atomic_load_n(&r->head, __ATOMIC_ACQUIRE))
        return NULL;
    item = r->slots[tail & (r->size - 1)];
    __atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
    return item;
}

/* Consumer side: the item behind `nth` older ones, which stays; NULL if there are not so many. */
static inline void *ring_peek_at(const struct ring *r, u32 nth)
{
    u32 tail = __atomic_load_n(&r->tail, __ATOMIC_RELAXED);

    if (__atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - tail <= nth)
        return NULL;
    return r->slots[(tail + nth) & (r->size - 1)];
}

/* Consumer side: the oldest item, which stays; NULL if the ring is empty. */
static inline void *ring_peek(const struct ring *r)
{
    return ring_peek_at(r, 0);
}

/* Either side; the other may change it meanwhile. */
static inline u32 ring_count(const struct ring *r)
{
    u32 tail = __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);

    return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - tail;
}

static inline bool ring_empty(const struct ring *r)
{
    return __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) ==
           __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
}

#endif
