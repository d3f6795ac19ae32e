/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue, from the device's side.
 *
 * Everything in it is the guest's and changes under our feet: each field is read once, by copy,
 * then checked. A queue whose driver breaks a rule is broken until it is reset: it gives nothing
 * any more. Chains that were popped name the guest's memory by address; copies go in and out of it,
 * or who has it pinned lends it to a disk. Callers serialise (virtio_pci.c: one lock per queue).
 * Spec: Virtio 1.2, 2.7 "Split Virtqueues".
 */
#ifndef SOCLE_VDEV_VIRTQUEUE_H
#define SOCLE_VDEV_VIRTQUEUE_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "mm/gmem.h"

/* Entries of a queue at most, hence buffers of a chain: the spec allows no longer one. */
#define VIRTQ_SIZE_MAX 256u

/* Heads of chains that are read in one go. */
#define VIRTQ_HEADS 16u

struct virtq_segment {
    gpa_t guest;
    u32 bytes;
};

/* A chain of buffers: first those the device reads, then those it writes. 4 KiB: not for stacks. */
struct virtq_chain {
    u16 head;       /* what the driver calls it */
    u16 read_count; /* segments the device may read; the rest it may write */
    u16 count;
    u32 generation; /* of the queue; a chain from before a reset is not returned */
    u64 read_bytes; /* sums; together at most 4 GiB */
    u64 write_bytes;
    struct virtq_segment segments[VIRTQ_SIZE_MAX];
};

/* A chain on its way back, as the driver reads it. Spec: Virtio 1.2, 2.7.8 "The Virtqueue Used
 * Ring". */
struct virtq_used {
    u32 head;
    u32 bytes; /* written */
};

struct virtqueue {
    const struct gmem *gmem; /* (c) */
    u16 size_max;            /* (c) */
    u16 size;                /* as the driver chose; a power of two while live */
    bool is_enabled;         /* the driver's wish */
    bool is_live;            /* the device may use it */
    bool is_broken;
    bool has_indirect; /* negotiated */
    bool has_event_idx;
    bool is_quiet;                   /* doorbells are not wanted, as far as the driver was told */
    u64 descriptors, driver, device; /* guest addresses of the three parts */
    u16 available;                   /* the driver's index when it was looked at last */
    u16 heads_from, heads_count;     /* entries of the available ring in heads */
    u16 heads[VIRTQ_HEADS];
    u16 next_available; /* index of the next chain to take */
    u16 used;           /* index of the next entry to give back */
    u16 signalled;      /* `used` when the driver was last thought of */
    u32 generation;     /* resets so far */
};

/* State after reset; size_max: power of two up to VIRTQ_SIZE_MAX, 0: there is no such queue. */
void virtqueue_init(struct virtqueue *queue, const struct gmem *gmem, u16 size_max);
void virtqueue_reset(struct virtqueue *queue);

/* The driver is ready: checks size, alignment and place of the three parts. Return: 0, -EPROTO (now
 * broken). */
int virtqueue_start(struct virtqueue *queue) must_check;

/* Takes the next chain; where there is none, the next one gets a doorbell, unless muted. Return: 0
 * with *chain, -EAGAIN (there is none), -EPROTO (now broken). */
int virtqueue_pop(struct virtqueue *queue, struct virtq_chain *chain) must_check;

/* Takes back the last `count` virtqueue_pop of chains nothing was done with but writing: the next
 * one gives the first of them again. Nothing was pushed meanwhile. */
void virtqueue_unpop(struct virtqueue *queue, u32 count);

/* Returns a chain, `bytes` of which were written. One from before a reset vanishes. */
void virtqueue_push(struct virtqueue *queue, const struct virtq_chain *chain, u32 bytes);

/* The same of several chains, popped since the last reset, which the driver sees at once. */
void virtqueue_push_all(struct virtqueue *queue, const struct virtq_used *used, u32 count);

/* After pushes: whether the driver wants an interrupt for them. */
bool virtqueue_wants_interrupt(struct virtqueue *queue);

/* Asks for a doorbell when there are more than `count` chains, all of them popped and unpopped
 * before. Return: true if there are already. */
bool virtqueue_listen_beyond(struct virtqueue *queue, u32 count);

/*
 * Asks for doorbells, or says that they are needless for now, as far as the driver cares to know.
 * Return: true if there is a chain already, which no doorbell will announce.
 */
static inline bool virtqueue_listen(struct virtqueue *queue)
{
    return virtqueue_listen_beyond(queue, 0);
}

void virtqueue_mute(struct virtqueue *queue);

/* Copies from the chain's readable part, or into its writable one, at an offset. Return: bytes
 * copied, less than asked for where the part ends. */
size_t virtq_chain_read(const struct gmem *gmem, const struct virtq_chain *chain, u64 offset,
                        void *dst, size_t bytes);
size_t virtq_chain_write(const struct gmem *gmem, const struct virtq_chain *chain, u64 offset,
                         const void *src, size_t bytes);

#endif
