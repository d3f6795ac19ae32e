/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration by ECAM, and a driver for the queues of a virtio device. */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include "tests/guests/lib/guest.h"

#define ECAM         0xe0000000ull
#define PCI_SLOTS    32u
#define PCI_COMMAND  0x04u
#define PCI_BAR0     0x10u
#define PCI_LINE     0x3cu
#define CMD_MEMORY   0x2u
#define CMD_MASTER   0x4u
#define CMD_INTX_OFF 0x400u
#define CAP_MSIX     0x11u
#define VIRTIO_RNG   0x10441af4u

/* Status bits. */
#define READY       0x0fu
#define NEEDS_RESET 0x40u

/* Registers of the common structure. */
#define V_FEATURE_SELECT  0x00u
#define V_FEATURE         0x04u
#define V_ACCEPTED_SELECT 0x08u
#define V_ACCEPTED        0x0cu
#define V_STATUS          0x14u
#define V_QUEUE_SELECT    0x16u
#define V_QUEUE_SIZE      0x18u
#define V_QUEUE_VECTOR    0x1au
#define V_QUEUE_ENABLE    0x1cu
#define V_DESCRIPTORS     0x20u
#define V_DRIVER          0x28u
#define V_DEVICE          0x30u

#define QUEUE_SIZE 8u

#define D_NEXT     1u
#define D_WRITE    2u
#define D_INDIRECT 4u

struct descriptor {
    u64 address;
    u32 bytes;
    u16 flags, next;
};

struct queue {
    struct descriptor table[QUEUE_SIZE] __attribute__((aligned(16)));
    volatile u16 driver[2 + QUEUE_SIZE + 1] __attribute__((aligned(4))); /* flags, index, ring */
    volatile u32 device[1 + 2 * QUEUE_SIZE + 1]; /* flags and index, id and length each */
};

/* A device found: where it is and where its structures are. */
struct virtio {
    u64 config; /* its configuration space */
    u64 bar, common, notify, isr, device;
    u32 notify_step; /* from one queue's doorbell to the next one's */
    u32 msix;        /* offset of the capability */
    struct queue *queue;
    u32 queue_count; /* of them at `queue`; 0: one */
};

static inline u8 mmio_read8(u64 at)
{
    return *(volatile u8 *)at;
}
static inline u16 mmio_read16(u64 at)
{
    return *(volatile u16 *)at;
}
static inline void mmio_write8(u64 at, u8 v)
{
    *(volatile u8 *)at = v;
}
static inline void mmio_write16(u64 at, u16 v)
{
    *(volatile u16 *)at = v;
}

/* Finds the device by vendor and device ID, enables memory and bus mastering. Return: false if it
 * is not there. */
bool virtio_find(struct virtio *v, u32 id);

/* Where its structures are now: after the BAR has moved. */
void virtio_locate(struct virtio *v);

/* From reset to DRIVER_OK, with the queues at v->queue, zeroed. Return: the status then. */
u8 virtio_start(struct virtio *v, u64 features);

/* Adds a chain to a queue and rings. */
void virtio_add_to(struct virtio *v, u16 queue, u16 head);

/* Chains of it given back since start. */
static inline u16 virtio_used_of(const struct virtio *v, u16 queue)
{
    return (u16)(v->queue[queue].device[0] >> 16);
}

/* Waits for it, for two seconds at most. Return: whether it came. */
bool virtio_wait_used_of(const struct virtio *v, u16 queue, u16 count);

/* The same of queue 0. */
static inline void virtio_add(struct virtio *v, u16 head)
{
    virtio_add_to(v, 0, head);
}

static inline u16 virtio_used(const struct virtio *v)
{
    return virtio_used_of(v, 0);
}

static inline bool virtio_wait_used(const struct virtio *v, u16 count)
{
    return virtio_wait_used_of(v, 0, count);
}

#define F_VERSION_1 (1ull << 32)
#define F_EVENT_IDX (1ull << 29)
#define F_INDIRECT  (1ull << 28)

#endif
