/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What virtio devices have in common: struct virtio is the first member of each model's struct, its
 * functions take chains off queues, give them back and interrupt. The transport (virtio_pci.c) is
 * the only one there is.
 *
 * A doorbell calls ops->notify on the vCPU's task with no lock held. The model may work there and
 * then, if that is short, or wake a task of its own. virtio_pop, virtio_push and virtio_signal may
 * be called from any task, vCPU or interrupt, also with the device's lock held: each queue has a
 * lock of its own. README.md says how to add a device.
 */
#ifndef SOCLE_VDEV_VIRTIO_H
#define SOCLE_VDEV_VIRTIO_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/vdev/virtqueue.h"
#include "core/vdev/vmsi.h"
#include "core/vdev/vpci.h"
#include "core/vm/vdev.h"

/* Device types. Spec: Virtio 1.2, 5 "Device Types". */
#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_BLOCK   2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_RNG     4u
#define VIRTIO_ID_BALLOON 5u

/* Features of every device. Spec: Virtio 1.2, 6 "Reserved Feature Bits". */
#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX     BIT(29)
#define VIRTIO_F_VERSION_1     BIT(32)

/* Spec: Virtio 1.2, 2.1 "Device Status Field". */
#define VIRTIO_STATUS_ACKNOWLEDGE BIT(0)
#define VIRTIO_STATUS_DRIVER      BIT(1)
#define VIRTIO_STATUS_DRIVER_OK   BIT(2)
#define VIRTIO_STATUS_FEATURES_OK BIT(3)
#define VIRTIO_STATUS_NEEDS_RESET BIT(6)
#define VIRTIO_STATUS_FAILED      BIT(7)

#define VIRTIO_QUEUES_MAX (VMSI_VECTORS_MAX - 1) /* one more vector: configuration changes */
#define VIRTIO_CONFIG_MAX 64u

struct virtio;

struct virtio_ops {
    /* The driver has rung a live queue's doorbell. Context: vCPU task, no lock. */
    void (*notify)(struct virtio *dev, u16 queue);

    /* All queues are empty and dead again: forget chains taken from them. Context: dev->dev.lock.
     */
    void (*reset)(struct virtio *dev);

    /* The VM goes: stop timers and tasks, free the model's struct. */
    void (*fini)(struct virtio *dev);
};

/* What a model says of itself; const. */
struct virtio_model {
    const char *name;
    u16 id;              /* device type */
    u32 class_code;      /* PCI's */
    u64 features;        /* its own ones, besides those of every device */
    u16 queue_count;     /* up to VIRTIO_QUEUES_MAX */
    u16 queue_size;      /* of each, a power of two */
    u8 config_bytes;     /* device configuration, up to VIRTIO_CONFIG_MAX */
    u64 config_writable; /* what the driver may write of it, a bit per byte */
    bool can_leave;      /* while the guest runs */
    const struct virtio_ops *ops;
};

struct virtio_queue {
    struct spinlock lock; /* LOCK_VIRTQ, irqsave: ring */
    struct virtqueue ring;
    u16 vector; /* (a) of MSI-X */
};

struct virtio {
    struct vdev dev; /* its lock: what has no other mark */
    struct vpci_function fn;
    struct vmsi msi;
    const struct virtio_model *model; /* (c) */
    struct virtio_queue *queues;      /* (c) model->queue_count of them */
    u64 accepted;                     /* features the driver took */
    u32 feature_select, accepted_select;
    u16 queue_select;
    u16 config_vector; /* (a) */
    u8 status;         /* (a) */
    u32 lent;          /* (a) chains whose memory others may still use, see virtio_lend */
    u8 config_generation;
    u8 config[VIRTIO_CONFIG_MAX];
    struct spinlock isr_lock; /* LOCK_VMSI, irqsave */
    u8 isr;                   /* isr_lock */
};

/*
 * Prepares the common part and puts the device on the VM's PCI bus; from then on vm_fini frees it
 * by ops->fini. Context: builder. Return: 0; -ENOMEM (nothing done); -ENOSPC (no slot left; vm_fini
 * frees it).
 */
int virtio_create(struct virtio *dev, struct vm *vm, const struct virtio_model *model) must_check;

/* Off the bus and out of the VM's list, with its queues dead: dev->dev.ops->fini follows, once the
 * vCPUs may run again. Context: management task while all vCPUs stand still. */
void virtio_unplug(struct virtio *dev);

/* Frees what virtio_create allocated. Context: ops->fini. */
void virtio_fini(struct virtio *dev);

/* Takes a chain. Return: 0; -EAGAIN: none (the next one rings, unless muted), or the queue is not
 * (or no longer) live. */
int virtio_pop(struct virtio *dev, u16 queue, struct virtq_chain *chain) must_check;

/* Gives it back, `bytes` of it written; one from before a reset vanishes. virtio_signal follows,
 * after one or many. */
void virtio_push(struct virtio *dev, u16 queue, const struct virtq_chain *chain, u32 bytes);
void virtio_signal(struct virtio *dev, u16 queue);

/* Several chains at once, for a device that pops and pushes without leaving dev.lock, so that no
 * reset comes in between; and what it popped and does not want after all, the last `count`. */
void virtio_push_all(struct virtio *dev, u16 queue, const struct virtq_used *used, u32 count);
void virtio_unpop(struct virtio *dev, u16 queue, u32 count);

/*
 * Before virtio_pop of a chain whose memory a device of the host, or another task, will use, and
 * when that is over. A reset reads as done only when nothing is lent: before, the driver must not
 * use the memory for anything else. virtio_unlend is the last thing done with the device.
 */
void virtio_lend(struct virtio *dev);
void virtio_unlend(struct virtio *dev);

/* Waits until nothing is lent; hurry() is called again and again meanwhile. Context: ops->fini, no
 * lock held. */
void virtio_wait_lent(struct virtio *dev, void (*hurry)(struct virtio *dev));

/* As virtio_listen, beyond `count` chains that virtio_unpop put back. */
bool virtio_listen_beyond(struct virtio *dev, u16 queue, u32 count);

/* Doorbells of a queue off, as far as the driver heeds it, and on again (return: true if there is a
 * chain already, which none will announce). They are on after a reset. */
static inline bool virtio_listen(struct virtio *dev, u16 queue)
{
    return virtio_listen_beyond(dev, queue, 0);
}

void virtio_mute(struct virtio *dev, u16 queue);

/* Changes device configuration as the driver asked, or at a reset. Context: any, dev->dev.lock
 * held. */
void virtio_config_replace(struct virtio *dev, u32 offset, const void *src, u32 bytes);

/* Changes device configuration and tells the driver. Context: any, dev->dev.lock free. */
void virtio_config_set(struct virtio *dev, u32 offset, const void *src, u32 bytes);

/* The driver took the feature, and is done with set-up. Context: any. */
bool virtio_has(struct virtio *dev, u64 feature);

/* Of the transport: everything as after power-on. Context: dev->dev.lock. */
void virtio_reset_locked(struct virtio *dev);

/* The driver is done with set-up: its queues become live. Context: dev->dev.lock. */
void virtio_start_locked(struct virtio *dev);

/* Reads and clears the interrupt status. */
u8 virtio_isr_take(struct virtio *dev);

/* Puts the registers on the PCI bus. Context: builder. Return: 0, -ENOSPC. */
int virtio_pci_add(struct virtio *dev) must_check;

#endif
