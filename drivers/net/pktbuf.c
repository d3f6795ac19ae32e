/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet pool: a free list for each class of buffers, under one lock.
 *
 * The pool never grows: a flood of frames empties it, the next frame is dropped and counted, and
 * nothing else in the host notices.
 */
#include "drivers/net/pktbuf.h"

#include "core/lib/assert.h"
#include "core/x86/spinlock.h"
#include "drivers/net/pktbuf_pool.h"

static struct {
    struct spinlock lock;
    struct pktbuf *free[2]; /* lock; by is_big */
    u64 exhausted;          /* (a) changes under the lock */
} pool = {.lock = SPINLOCK_INIT("pktbuf", LOCK_POOL)};

void pktbuf_pool_add(struct pktbuf *pkt, u8 *buffer, hpa_t hpa)
{
    *pkt = (struct pktbuf){.buffer = buffer, .hpa = hpa};
    pktbuf_free(pkt);
}

void pktbuf_pool_add_big(struct pktbuf *pkt, u8 *buffer, hpa_t hpa)
{
    *pkt = (struct pktbuf){.buffer = buffer, .hpa = hpa, .is_big = true};
    pktbuf_free(pkt);
}

static struct pktbuf *take(bool is_big)
{
    u64 flags = spin_lock_irqsave(&pool.lock);
    struct pktbuf *pkt = pool.free[is_big];

    if (pkt)
        pool.free[is_big] = pkt->next;
    else
        __atomic_store_n(&pool.exhausted, pool.exhausted + 1, __ATOMIC_RELAXED);
    spin_unlock_irqrestore(&pool.lock, flags);
    if (!pkt)
        return NULL;
    pkt->next = NULL;
    pkt->offset = PKTBUF_HEADROOM;
    pkt->len = 0;
    pkt->csum = PKTBUF_CSUM_UNKNOWN;
    return pkt;
}

struct pktbuf *pktbuf_alloc(void)
{
    return take(false);
}

struct pktbuf *pktbuf_alloc_for(u32 bytes)
{
    return bytes <= PKTBUF_BIG_DATA ? take(bytes > PKTBUF_DATA) : NULL;
}

void pktbuf_free(struct pktbuf *pkt)
{
    u64 flags;

    assert(pkt->buffer);
    flags = spin_lock_irqsave(&pool.lock);
    pkt->next = pool.free[pkt->is_big];
    pool.free[pkt->is_big] = pkt;
    spin_unlock_irqrestore(&pool.lock, flags);
}

u64 pktbuf_exhausted_count(void)
{
    return __atomic_load_n(&pool.exhausted, __ATOMIC_RELAXED);
}
