/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues, interrupts and life cycle of virtio devices. */
#include "core/vdev/virtio.h"

#include "core/kern/task.h"
#include "core/kern/timer.h"
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_regs.h"
#include "core/vm/vm.h"
#include "mm/kheap.h"

#define LENT_LOOK_NS NS_PER_MS

/* By message where MSI-X is on, else by the line, with a bit that says why. */
static void interrupt(struct virtio *dev, u16 vector, u8 isr_bit)
{
    u64 flags;

    if (vmsi_is_enabled(&dev->msi)) {
        vmsi_raise(&dev->msi, vector);
        return;
    }
    flags = spin_lock_irqsave(&dev->isr_lock);
    dev->isr |= isr_bit;
    vpci_intx_set(&dev->fn, true);
    spin_unlock_irqrestore(&dev->isr_lock, flags);
}

u8 virtio_isr_take(struct virtio *dev)
{
    u64 flags = spin_lock_irqsave(&dev->isr_lock);
    u8 isr = dev->isr;

    dev->isr = 0;
    vpci_intx_set(&dev->fn, false);
    spin_unlock_irqrestore(&dev->isr_lock, flags);
    return isr;
}

static void config_interrupt(struct virtio *dev)
{
    if (__atomic_load_n(&dev->status, __ATOMIC_ACQUIRE) & VIRTIO_STATUS_DRIVER_OK)
        interrupt(dev, __atomic_load_n(&dev->config_vector, __ATOMIC_RELAXED), VIRTIO_ISR_CONFIG);
}

/* The driver broke a rule: the device stands still until it is reset. */
static void needs_reset(struct virtio *dev)
{
    u8 before = __atomic_fetch_or(&dev->status, VIRTIO_STATUS_NEEDS_RESET, __ATOMIC_SEQ_CST);

    if (!(before & VIRTIO_STATUS_NEEDS_RESET))
        config_interrupt(dev);
}

int virtio_pop(struct virtio *dev, u16 queue, struct virtq_chain *chain)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags;
    int rc;

    if (!vpci_is_master(&dev->fn))
        return -EAGAIN;
    flags = spin_lock_irqsave(&q->lock);
    rc = virtqueue_pop(&q->ring, chain);
    spin_unlock_irqrestore(&q->lock, flags);
    if (rc == -EPROTO)
        needs_reset(dev);
    return rc ? -EAGAIN : 0;
}

void virtio_push(struct virtio *dev, u16 queue, const struct virtq_chain *chain, u32 bytes)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);

    virtqueue_push(&q->ring, chain, bytes);
    spin_unlock_irqrestore(&q->lock, flags);
}

void virtio_push_all(struct virtio *dev, u16 queue, const struct virtq_used *used, u32 count)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);

    virtqueue_push_all(&q->ring, used, count);
    spin_unlock_irqrestore(&q->lock, flags);
}

void virtio_unpop(struct virtio *dev, u16 queue, u32 count)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);

    virtqueue_unpop(&q->ring, count);
    spin_unlock_irqrestore(&q->lock, flags);
}

void virtio_signal(struct virtio *dev, u16 queue)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);
    bool is_wanted = virtqueue_wants_interrupt(&q->ring);

    spin_unlock_irqrestore(&q->lock, flags);
    if (is_wanted)
        interrupt(dev, __atomic_load_n(&q->vector, __ATOMIC_RELAXED), VIRTIO_ISR_QUEUE);
}

void virtio_lend(struct virtio *dev)
{
    __atomic_fetch_add(&dev->lent, 1, __ATOMIC_SEQ_CST);
}

void virtio_unlend(struct virtio *dev)
{
    __atomic_fetch_sub(&dev->lent, 1, __ATOMIC_SEQ_CST);
}

/* Rare, and short: a disk answers, or is reset within seconds. Whoever unlends may touch the device
 * no more, so it cannot wake anybody that is noted there. */
void virtio_wait_lent(struct virtio *dev, void (*hurry)(struct virtio *dev))
{
    bool was_woken = false;

    while (__atomic_load_n(&dev->lent, __ATOMIC_SEQ_CST) != 0) {
        hurry(dev);
        was_woken |= task_wait_until(time_ns() + LENT_LOOK_NS);
    }
    if (was_woken)
        task_wake(
            task_current()); /* the token was another event's: leave it for the caller's loop */
}

bool virtio_listen_beyond(struct virtio *dev, u16 queue, u32 count)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);
    bool has_more = virtqueue_listen_beyond(&q->ring, count);

    spin_unlock_irqrestore(&q->lock, flags);
    return has_more && vpci_is_master(&dev->fn); /* else virtio_pop would not find it */
}

void virtio_mute(struct virtio *dev, u16 queue)
{
    struct virtio_queue *q = &dev->queues[queue];
    u64 flags = spin_lock_irqsave(&q->lock);

    virtqueue_mute(&q->ring);
    spin_unlock_irqrestore(&q->lock, flags);
}

void virtio_config_replace(struct virtio *dev, u32 offset, const void *src, u32 bytes)
{
    assert(offset + bytes <= dev->model->config_bytes);
    memcpy(&dev->config[offset], src, bytes);
    dev->config_generation++;
}

void virtio_config_set(struct virtio *dev, u32 offset, const void *src, u32 bytes)
{
    u64 flags = spin_lock_irqsave(&dev->dev.lock);

    virtio_config_replace(dev, offset, src, bytes);
    spin_unlock_irqrestore(&dev->dev.lock, flags);
    config_interrupt(dev);
}

bool virtio_has(struct virtio *dev, u64 feature)
{
    u64 flags = spin_lock_irqsave(&dev->dev.lock);
    bool has = (dev->status & VIRTIO_STATUS_DRIVER_OK) && (dev->accepted & feature);

    spin_unlock_irqrestore(&dev->dev.lock, flags);
    return has;
}

void virtio_start_locked(struct virtio *dev)
{
    for (u16 i = 0; i < dev->model->queue_count; i++) {
        struct virtio_queue *q = &dev->queues[i];
        u64 flags;
        int rc = 0;

        if (!q->ring.is_enabled)
            continue;
        flags = spin_lock_irqsave(&q->lock);
        q->ring.has_indirect = (dev->accepted & VIRTIO_F_INDIRECT_DESC) != 0;
        q->ring.has_event_idx = (dev->accepted & VIRTIO_F_EVENT_IDX) != 0;
        rc = virtqueue_start(&q->ring);
        spin_unlock_irqrestore(&q->lock, flags);
        if (rc)
            needs_reset(dev);
    }
}

void virtio_reset_locked(struct virtio *dev)
{
    for (u16 i = 0; i < dev->model->queue_count; i++) {
        struct virtio_queue *q = &dev->queues[i];
        u64 flags = spin_lock_irqsave(&q->lock);

        virtqueue_reset(&q->ring);
        spin_unlock_irqrestore(&q->lock, flags);
        __atomic_store_n(&q->vector, VIRTIO_NO_VECTOR, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&dev->config_vector, VIRTIO_NO_VECTOR, __ATOMIC_RELAXED);
    __atomic_store_n(&dev->status, 0, __ATOMIC_RELEASE);
    dev->accepted = 0;
    dev->feature_select = 0;
    dev->accepted_select = 0;
    dev->queue_select = 0;
    (void)virtio_isr_take(dev);
    dev->model->ops->reset(dev);
}

static void vdev_reset(struct vdev *vdev)
{
    u64 flags = spin_lock_irqsave(&vdev->lock);

    virtio_reset_locked(container_of(vdev, struct virtio, dev));
    spin_unlock_irqrestore(&vdev->lock, flags);
}

static void vdev_fini(struct vdev *vdev)
{
    struct virtio *dev = container_of(vdev, struct virtio, dev);

    dev->model->ops->fini(dev);
}

static const struct vdev_ops virtio_vdev_ops = {.reset = vdev_reset, .fini = vdev_fini};

int virtio_create(struct virtio *dev, struct vm *vm, const struct virtio_model *model)
{
    int rc;

    assert(model->queue_count <= VIRTIO_QUEUES_MAX && model->config_bytes <= VIRTIO_CONFIG_MAX);
    dev->queues = kzalloc(model->queue_count * sizeof(dev->queues[0]));
    if (!dev->queues)
        return -ENOMEM;
    dev->model = model;
    spin_init(&dev->isr_lock, "virtio isr", LOCK_VMSI);
    for (u16 i = 0; i < model->queue_count; i++) {
        spin_init(&dev->queues[i].lock, "virtqueue", LOCK_VIRTQ);
        virtqueue_init(&dev->queues[i].ring, &vm->gmem, model->queue_size);
    }
    vdev_attach(vm, &dev->dev, model->name, &virtio_vdev_ops);
    vmsi_init(&dev->msi, vm, model->queue_count + 1u);
    rc = virtio_pci_add(dev);
    if (rc == 0)
        vdev_reset(&dev->dev);
    return rc;
}

void virtio_unplug(struct virtio *dev)
{
    vdev_reset(&dev->dev);
    vpci_remove(&dev->fn);
    vdev_detach(&dev->dev);
}

void virtio_fini(struct virtio *dev)
{
    kfree(dev->queues);
}
