/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices of the host over PCI, "modern" (1.x) interface: what drivers of all kinds of
 * virtio devices share.
 *
 * The life of a device: virtio_open → virtio_negotiate → virtio_queue_start for each queue →
 * virtio_driver_ok → (virtio_reset → virtio_negotiate → …) → virtio_close. virtio_irq_setup comes
 * after virtio_open, before the queues.
 *
 * Spec: Virtio 1.2 "Virtio Over PCI Bus", "Device Initialization". Context of all: boot (probe) or
 * the driver's own task, unless said otherwise.
 */
#ifndef SOCLE_VIRTIO_PCI_H
#define SOCLE_VIRTIO_PCI_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_irq.h"
#include "drivers/virtio/virtq.h"
#include "mm/dma.h"

#define VIRTIO_VENDOR_ID 0x1af4

/* Feature bits of all devices. Spec: Virtio 1.2 "Reserved Feature Bits". */
#define VIRTIO_F_EVENT_IDX       BIT(29)
#define VIRTIO_F_VERSION_1       BIT(32)
#define VIRTIO_F_ACCESS_PLATFORM BIT(33)

/* A structure of registers in a BAR. */
struct virtio_window {
    volatile u8 *at; /* NULL: the device has none */
    u32 bytes;
};

struct virtio_dev {
    const struct pci_device *pci;
    struct virtio_window common, notify, isr, config;
    u32 notify_multiplier;
    u64 features; /* negotiated */
    struct pci_irq irq;
    u8 generation; /* (o) interrupt handler: of the configuration, as seen last */
};

/* A queue and its memory. */
struct virtio_queue {
    struct virtq vq; /* first */
    struct dma_buf memory;
};

/*
 * Finds the device's registers, lets it reach memory, resets it. Return: 0; -ENODEV (no modern
 * interface: a device of before 1.0), -ETIMEDOUT (it does not come out of reset). On failure the
 * device cannot reach memory.
 */
int virtio_open(struct virtio_dev *dev, const struct pci_device *pci) must_check;

/* Resets the device, which forgets its queues, and takes memory and interrupts away from it. */
void virtio_close(struct virtio_dev *dev);

/* Return: 0; -ETIMEDOUT: it may still use its buffers. */
int virtio_reset(struct virtio_dev *dev) must_check;

/*
 * Accepts of the wanted features those the device offers, and what all devices need
 * (dev->features). Return: 0; -EOPNOTSUPP (no VERSION_1, or it refused the choice).
 */
int virtio_negotiate(struct virtio_dev *dev, u64 wanted) must_check;

/*
 * Gives the device an empty queue, at most size_max (a power of two) entries long. Memory of an
 * earlier start is used again. Return: 0, -ENODEV (no such queue), -EIO (it names a bad size or
 * doorbell), -ENOMEM.
 */
int virtio_queue_start(struct virtio_dev *dev, struct virtio_queue *queue, u16 index,
                       u16 size_max) must_check;

/* The device has been reset; the queue must be empty (virtq_reclaim). */
void virtio_queue_free(struct virtio_queue *queue);

/* The device may use its queues from now on. */
void virtio_driver_ok(struct virtio_dev *dev);

/* Shows the device what was added to the queue and rings its doorbell if it wishes so. */
void virtio_kick(struct virtio_queue *queue);

/*
 * Leads the interrupts of all queues and of configuration changes to one handler; it may be called
 * from now on. Return: the kind; PCI_IRQ_NONE: the driver must poll.
 */
enum pci_irq_kind virtio_irq_setup(struct virtio_dev *dev, irq_handler handler,
                                   void *arg) must_check;

/* Acknowledges. Return: causes; 0 if the interrupt is another device's. Context: its handler. */
u32 virtio_irq_claim(struct virtio_dev *dev) must_check;

#define VIRTIO_IRQ_QUEUE  0x1u
#define VIRTIO_IRQ_CONFIG 0x2u /* its configuration may have changed */

/* True if the device says that it cannot go on without a reset. */
bool virtio_needs_reset(const struct virtio_dev *dev) must_check;

/*
 * A field of the device's own configuration: 1, 2, 4 or 8 bytes, naturally aligned, all of one
 * moment. Return: 0 if the device has no such field.
 */
u64 virtio_config_read(const struct virtio_dev *dev, u32 offset, u32 bytes);

static inline bool virtio_has(const struct virtio_dev *dev, u64 feature)
{
    return (dev->features & feature) != 0;
}

#endif
