/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two parts of virtio-blk share: the device (virtio_blk.c) and one request of it
 * (virtio_blk_request.c). */
#ifndef SOCLE_VDEV_VIRTIO_BLK_IMPL_H
#define SOCLE_VDEV_VIRTIO_BLK_IMPL_H

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/list.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_blk.h"

/* Spec: Virtio 1.2, 5.2.3 "Feature bits". */
#define BLK_F_SIZE_MAX     BIT(1)
#define BLK_F_SEG_MAX      BIT(2)
#define BLK_F_RO           BIT(5)
#define BLK_F_BLK_SIZE     BIT(6)
#define BLK_F_FLUSH        BIT(9)
#define BLK_F_TOPOLOGY     BIT(10)
#define BLK_F_MQ           BIT(12)
#define BLK_F_DISCARD      BIT(13)
#define BLK_F_WRITE_ZEROES BIT(14)

#define BLK_SECTOR        512u
#define BLK_QUEUE_SIZE    128u
#define BLK_QUEUES_MAX    4u
#define BLK_SEG_MAX       (BLK_QUEUE_SIZE - 2) /* header and status take one each */
#define BLK_SIZE_MAX      (32u * 1024u)
#define BLK_REQUEST_MAX   ((u64)BLK_SEG_MAX * BLK_SIZE_MAX)
#define BLK_IN_FLIGHT_MAX 64u
#define BLK_RANGES_MAX    16u /* of one discard or write-zeroes */
#define BLK_RANGE_MAX     (64 * MiB / BLK_SECTOR)
#define BLK_BOUNCE_MAX    (64u * 1024u)

/* Pieces of host memory in one request to the volume; a longer one takes several. */
#define BLK_PIECES 192u

/* Spec: Virtio 1.2, 5.2.6 "Device Operation". */
enum { BLK_S_OK, BLK_S_IOERR, BLK_S_UNSUPP };

/* A place in a part of a chain. */
struct blk_place {
    u16 segment;
    u32 offset;
};

/* One request of the guest, on its way; owned by whoever carries it on: a task at a time. */
struct blk_slot {
    struct list link; /* device's lock; while free */
    struct vblk *blk;
    u16 queue;
    u8 status; /* for the guest */
    enum blk_op op;
    bool is_write_through; /* a flush follows */
    bool is_pinned;
    u64 lba;    /* reads and writes: where the next round begins */
    u64 left;   /* bytes of data that are still to be moved */
    u32 round;  /* bytes that the volume moves now */
    u32 ranges; /* of discards and the like: still to do */
    u32 range;  /* the next one */
    u64 moved;  /* bytes, for the statistics */
    u64 begin_ns;
    struct blk_place place; /* of the data of the next round */
    u8 *bounce;             /* or NULL: data go straight to the guest's memory */
    u32 bounce_bytes;
    struct volume_req req;
    struct blk_seg pieces[BLK_PIECES];
    struct virtq_chain chain;
};

_Static_assert(sizeof(struct blk_slot) <= 2 * PAGE_SIZE, "takes a block of two pages");

struct vblk {
    struct virtio virtio; /* its lock protects what has no other mark */
    struct virtio_model model;
    struct virtio_blk_config cfg; /* (c) */
    struct list free_slots;
    u32 slots;       /* there are, free or not */
    bool is_starved; /* chains wait for a slot */
    bool has_limits; /* (c) */
    struct net_limiter limiter;
    struct timer timer;     /* for the limit */
    bool is_ending;         /* (a) */
    bool is_dead;           /* (a) has no volume any more: all requests fail */
    bool has_task;          /* (c) */
    struct task task;       /* carries on what a doorbell or the limit left */
    struct blk_stats stats; /* (a) */
};

/* Whoever sees it false has lent memory before, so that who sets it waits for them. */
static inline bool blk_is_dead(const struct vblk *blk)
{
    return __atomic_load_n(&blk->is_dead, __ATOMIC_SEQ_CST);
}

/*
 * Reads the header of slot->chain and does the request as far as it goes without waiting. Return:
 * true: it is finished, and the caller gives the chain back; false: blk_slot_finish will be called.
 * Context: task, no lock held.
 */
bool blk_slot_start(struct blk_slot *slot);

/* Writes the status for the guest, and counts. Return: bytes of the chain that were written. */
u32 blk_slot_end(struct blk_slot *slot);

/* The volume has finished a request that took its time. Context: task, no lock held. */
void blk_slot_finish(struct blk_slot *slot);

#endif
