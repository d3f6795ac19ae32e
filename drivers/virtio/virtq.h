/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue, driver side: buffers go to the device and come back. Pure: it works on memory
 * its owner allocated and touches no register.
 *
 * The device is trusted less than silicon: it may be a program of somebody else's host. What it
 * writes is the used ring and two event fields; each value is read once and bounded. Everything the
 * driver must rely on (which descriptors form a chain, whose they are, how many bytes the device
 * may write) is kept in struct virtq, out of the device's reach. A device that breaks the protocol
 * marks the queue as broken: nothing comes back from it any more until it is reset.
 *
 * Spec: Virtio 1.2 "Split Virtqueues". Context of all: the queue's owner; there is no lock.
 */
#ifndef SOCLE_VIRTIO_VIRTQ_H
#define SOCLE_VIRTIO_VIRTQ_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define VIRTQ_SIZE_MAX 256u

/* Spec: Virtio 1.2 "The Virtqueue Descriptor Table". */
struct virtq_desc {
    u64 address;
    u32 bytes;
    u16 flags;
    u16 next;
};

#define VIRTQ_DESC_F_NEXT  0x1u
#define VIRTQ_DESC_F_WRITE 0x2u /* the device writes */

struct virtq_used_elem {
    u32 id;
    u32 bytes;
};

/* Offsets in the available and the used ring. */
#define VIRTQ_RING_FLAGS         0u
#define VIRTQ_RING_IDX           2u
#define VIRTQ_RING_ENTRIES       4u
#define VIRTQ_AVAIL_NO_INTERRUPT 0x1u
#define VIRTQ_USED_NO_NOTIFY     0x1u

/* A piece of memory of a request. */
struct virtq_seg {
    hpa_t address;
    u32 bytes;
    bool device_writes; /* these come after those the device reads */
};

/* One chain in the device's hands; by its first descriptor. */
struct virtq_chain {
    void *token;  /* NULL: no chain starts here */
    u32 writable; /* bytes the device may write */
    u16 last;
    u16 count;
};

struct virtq {
    u16 size;
    u16 index;                         /* the device's number for it: the transport's */
    bool has_event_idx;                /* (c) negotiated */
    bool is_broken;                    /* the device broke the protocol */
    volatile struct virtq_desc *desc;  /* (c) */
    volatile u16 *avail;               /* (c) */
    volatile u16 *used;                /* (c) */
    volatile u16 *notify;              /* (c) doorbell: the transport's */
    u64 desc_hpa, avail_hpa, used_hpa; /* (c) what the device is told */
    u16 free_head, free_count;         /* list of free descriptors, through next[] */
    u16 avail_idx;                     /* the next to fill */
    u16 published_idx;                 /* what the device has been told */
    u16 used_idx;                      /* the next to take */
    u16 in_flight;                     /* chains the device has */
    u16 next[VIRTQ_SIZE_MAX];          /* links, as the descriptor table had them when written */
    struct virtq_chain chains[VIRTQ_SIZE_MAX];
};

/* Memory a queue of this size needs; zeroed, aligned to 16 bytes. */
u32 virtq_bytes(u16 size);

/* An empty queue of `size` entries (a power of two up to VIRTQ_SIZE_MAX) in this memory. */
void virtq_init(struct virtq *q, u16 size, void *memory, hpa_t bus, bool has_event_idx);

/*
 * Puts a chain of `count` pieces (1 and up) into the ring; the device sees it after virtq_publish.
 * The pieces and the token (not NULL) stay in use until virtq_take returns the token. Return: 0,
 * -ENOSPC (not enough free descriptors; nothing happened), -EIO (broken).
 */
int virtq_add(struct virtq *q, const struct virtq_seg *segs, u32 count, void *token) must_check;

/* Shows the device all that was added. Return: true if it wants to be notified of it. */
bool virtq_publish(struct virtq *q) must_check;

/*
 * Takes back a chain the device has finished. Out: *bytes it says it wrote, at most what it was
 * given to write. Return: the token; NULL if there is none, or the queue is broken.
 */
void *virtq_take(struct virtq *q, u32 *bytes) must_check;

/* Asks for no interrupts; some may still come. */
void virtq_irq_off(struct virtq *q);

/* Asks for an interrupt at the next finished chain. Return: true if there is one already. */
bool virtq_irq_on(struct virtq *q) must_check;

/* True if virtq_take has something to return or to complain about. */
bool virtq_has_used(const struct virtq *q) must_check;

/*
 * Takes back any chain, finished or not: for a device that has been reset. Return: its token; NULL
 * when none is left.
 */
void *virtq_reclaim(struct virtq *q) must_check;

#endif
