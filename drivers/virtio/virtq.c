/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of a split virtqueue. */
#include "drivers/virtio/virtq.h"

#include "core/lib/assert.h"
#include "core/lib/errno.h"

/* Spec: Virtio 1.2 "Split Virtqueues": alignment of the used ring. */
#define USED_ALIGN 4u

static u32 desc_bytes(u16 size)
{
    return size * (u32)sizeof(struct virtq_desc);
}

/* Flags, index, an entry for each descriptor, and used_event. */
static u32 avail_bytes(u16 size)
{
    return VIRTQ_RING_ENTRIES + 2u * size + 2u;
}

static u32 used_offset(u16 size)
{
    return (u32)ALIGN_UP(desc_bytes(size) + avail_bytes(size), USED_ALIGN);
}

u32 virtq_bytes(u16 size)
{
    return used_offset(size) + VIRTQ_RING_ENTRIES + (u32)sizeof(struct virtq_used_elem) * size + 2u;
}

static volatile u16 *avail_entry(const struct virtq *q, u16 i)
{
    return q->avail + VIRTQ_RING_ENTRIES / 2 + (i & (q->size - 1u));
}

/* The driver's wish after which entry to be interrupted: at the end of the available ring. */
static volatile u16 *used_event(const struct virtq *q)
{
    return q->avail + VIRTQ_RING_ENTRIES / 2 + q->size;
}

static volatile struct virtq_used_elem *used_entry(const struct virtq *q, u16 i)
{
    return (volatile struct virtq_used_elem *)(volatile void *)(q->used + VIRTQ_RING_ENTRIES / 2) +
           (i & (q->size - 1u));
}

/* The device's wish after which entry to be notified: at the end of the used ring. */
static volatile u16 *avail_event(const struct virtq *q)
{
    return (volatile u16 *)(volatile void *)(used_entry(q, 0) + q->size);
}

void virtq_init(struct virtq *q, u16 size, void *memory, hpa_t bus, bool has_event_idx)
{
    u8 *base = memory;

    assert(size > 0 && size <= VIRTQ_SIZE_MAX && (size & (size - 1u)) == 0);
    *q = (struct virtq){.size = size, .has_event_idx = has_event_idx, .free_count = size};
    q->desc = memory;
    q->avail = (void *)(base + desc_bytes(size));
    q->used = (void *)(base + used_offset(size));
    q->desc_hpa = bus.v;
    q->avail_hpa = bus.v + desc_bytes(size);
    q->used_hpa = bus.v + used_offset(size);
    for (u16 i = 0; i < size; i++)
        q->next[i] = (u16)(i + 1u);
}

int virtq_add(struct virtq *q, const struct virtq_seg *segs, u32 count, void *token)
{
    u16 head = q->free_head;
    struct virtq_chain *chain = &q->chains[head];
    u16 at = head;

    assert(count > 0 && token != NULL);
    if (q->is_broken)
        return -EIO;
    if (count > q->free_count)
        return -ENOSPC;
    *chain = (struct virtq_chain){.token = token, .count = (u16)count};
    for (u32 i = 0; i < count; i++) {
        volatile struct virtq_desc *desc = &q->desc[at];

        desc->address = segs[i].address.v;
        desc->bytes = segs[i].bytes;
        desc->flags = (u16)((segs[i].device_writes ? VIRTQ_DESC_F_WRITE : 0) |
                            (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0));
        desc->next = q->next[at];
        if (segs[i].device_writes)
            chain->writable += segs[i].bytes;
        chain->last = at;
        at = q->next[at];
    }
    q->free_head = at;
    q->free_count = (u16)(q->free_count - count);
    *avail_entry(q, q->avail_idx) = head;
    q->avail_idx++;
    q->in_flight++;
    return 0;
}

/* Spec: Virtio 1.2 "Available Buffer Notification Suppression". */
bool virtq_publish(struct virtq *q)
{
    u16 before = q->published_idx, now = q->avail_idx;

    if (before == now)
        return false;
    compiler_barrier(); /* entries before the index; x86 keeps the order of stores */
    q->avail[VIRTQ_RING_IDX / 2] = now;
    q->published_idx = now;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index before what the device wishes */
    if (!q->has_event_idx)
        return (q->used[VIRTQ_RING_FLAGS / 2] & VIRTQ_USED_NO_NOTIFY) == 0;
    return (u16)(now - *avail_event(q) - 1u) < (u16)(now - before);
}

bool virtq_has_used(const struct virtq *q)
{
    return !q->is_broken && q->used[VIRTQ_RING_IDX / 2] != q->used_idx;
}

/* Gives a chain's descriptors back to the free list. Return: its token. */
static void *chain_release(struct virtq *q, u16 head)
{
    struct virtq_chain *chain = &q->chains[head];
    void *token = chain->token;

    q->next[chain->last] = q->free_head;
    q->free_head = head;
    q->free_count = (u16)(q->free_count + chain->count);
    q->in_flight--;
    chain->token = NULL;
    return token;
}

void *virtq_take(struct virtq *q, u32 *bytes)
{
    u16 waiting = (u16)(q->used[VIRTQ_RING_IDX / 2] - q->used_idx);
    volatile struct virtq_used_elem *entry;
    u32 id, written;

    if (waiting == 0 || q->is_broken)
        return NULL;
    compiler_barrier(); /* the entry was written before the index */
    entry = used_entry(q, q->used_idx);
    id = entry->id;
    written = entry->bytes;
    if (waiting > q->in_flight || id >= q->size || q->chains[id].token == NULL ||
        written > q->chains[id].writable) {
        q->is_broken = true;
        return NULL;
    }
    q->used_idx++;
    *bytes = written;
    return chain_release(q, (u16)id);
}

void virtq_irq_off(struct virtq *q)
{
    /* With event indices an entry just passed is one the device will not pass again soon. */
    if (q->has_event_idx)
        *used_event(q) = (u16)(q->used_idx - 1u);
    else
        q->avail[VIRTQ_RING_FLAGS / 2] = VIRTQ_AVAIL_NO_INTERRUPT;
}

/* Spec: Virtio 1.2 "Used Buffer Notification Suppression". */
bool virtq_irq_on(struct virtq *q)
{
    if (q->has_event_idx)
        *used_event(q) = q->used_idx;
    else
        q->avail[VIRTQ_RING_FLAGS / 2] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the wish before the last look */
    return virtq_has_used(q);
}

void *virtq_reclaim(struct virtq *q)
{
    for (u16 i = 0; i < q->size; i++) {
        if (q->chains[i].token != NULL)
            return chain_release(q, i);
    }
    return NULL;
}
