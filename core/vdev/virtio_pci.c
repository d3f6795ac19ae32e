/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport of virtio 1.2, without the legacy interface.
 *
 * One BAR holds everything; doorbells have a page of their own, so that a guest can hand them out.
 * Each register answers in its own width only. What the driver may not change any more, because the
 * device works by it, ignores being written. Spec: Virtio 1.2, 4.1 "Virtio Over PCI Bus".
 */
#include "core/lib/compiler.h"
#include "core/lib/string.h"
#include "core/vdev/vdev_util.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_regs.h"
#include "core/vm/vm.h"

#define BAR_INDEX     0u
#define BAR_BYTES     0x4000u
#define AT_COMMON     0x0000u
#define AT_ISR        0x0100u
#define AT_CONFIG     0x0200u
#define AT_NOTIFY     0x1000u
#define NOTIFY_BYTES  0x1000u
#define NOTIFY_STRIDE 4u
#define AT_TABLE      0x2000u
#define TABLE_BYTES   (VMSI_VECTORS_MAX * VMSI_ENTRY_BYTES)
#define AT_PENDING    0x3000u
#define PENDING_BYTES (VMSI_VECTORS_MAX / 8)

_Static_assert(VIRTIO_QUEUES_MAX *NOTIFY_STRIDE <= NOTIFY_BYTES, "a doorbell per queue");
_Static_assert(AT_TABLE + TABLE_BYTES <= AT_PENDING, "one after the other");

#define STATUS_DRIVERS                                                            \
    (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK | \
     VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

/* Width of each register of the common structure; 64-bit ones are written in halves. */
static const u8 common_width[COMMON_BYTES] = {
    [COMMON_FEATURE_SELECT] = 4,
    [COMMON_FEATURE] = 4,
    [COMMON_ACCEPTED_SELECT] = 4,
    [COMMON_ACCEPTED] = 4,
    [COMMON_CONFIG_VECTOR] = 2,
    [COMMON_QUEUE_COUNT] = 2,
    [COMMON_STATUS] = 1,
    [COMMON_GENERATION] = 1,
    [COMMON_QUEUE_SELECT] = 2,
    [COMMON_QUEUE_SIZE] = 2,
    [COMMON_QUEUE_VECTOR] = 2,
    [COMMON_QUEUE_ENABLE] = 2,
    [COMMON_QUEUE_NOTIFY] = 2,
    [COMMON_QUEUE_DESCRIPTORS] = 4,
    [COMMON_QUEUE_DESCRIPTORS + 4] = 4,
    [COMMON_QUEUE_DRIVER] = 4,
    [COMMON_QUEUE_DRIVER + 4] = 4,
    [COMMON_QUEUE_DEVICE] = 4,
    [COMMON_QUEUE_DEVICE + 4] = 4,
};

static u64 offered(const struct virtio *dev)
{
    return dev->model->features | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
}

/* One half of a feature word; there are two. */
static u32 half(u64 word, u32 select)
{
    return select < 2 ? (u32)(word >> 32 * select) : 0;
}

static struct virtio_queue *selected(const struct virtio *dev)
{
    return dev->queue_select < dev->model->queue_count ? &dev->queues[dev->queue_select] : NULL;
}

/* The guest address that a register is half of. */
static u64 *ring_address(struct virtqueue *ring, u64 offset)
{
    if (offset < COMMON_QUEUE_DRIVER)
        return &ring->descriptors;
    return offset < COMMON_QUEUE_DEVICE ? &ring->driver : &ring->device;
}

static u32 read_queue(const struct virtio *dev, u64 offset)
{
    struct virtio_queue *q = selected(dev);

    if (!q)
        return 0; /* of size 0: there is none */
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        return q->ring.size;
    case COMMON_QUEUE_VECTOR:
        return q->vector;
    case COMMON_QUEUE_ENABLE:
        return q->ring.is_enabled;
    case COMMON_QUEUE_NOTIFY:
        return dev->queue_select;
    default:
        return (u32)(*ring_address(&q->ring, offset) >> offset % sizeof(u64) * 8);
    }
}

/* Spec: Virtio 1.2, 4.1.4.3.1: it reads 0 only when a reset is over. */
static u8 read_status(const struct virtio *dev)
{
    u8 status = __atomic_load_n(&dev->status, __ATOMIC_ACQUIRE);

    if (status == 0 && __atomic_load_n(&dev->lent, __ATOMIC_SEQ_CST) != 0)
        return VIRTIO_STATUS_ACKNOWLEDGE;
    return status;
}

static u32 read_common(const struct virtio *dev, u64 offset)
{
    switch (offset) {
    case COMMON_FEATURE_SELECT:
        return dev->feature_select;
    case COMMON_FEATURE:
        return half(offered(dev), dev->feature_select);
    case COMMON_ACCEPTED_SELECT:
        return dev->accepted_select;
    case COMMON_ACCEPTED:
        return half(dev->accepted, dev->accepted_select);
    case COMMON_CONFIG_VECTOR:
        return dev->config_vector;
    case COMMON_QUEUE_COUNT:
        return dev->model->queue_count;
    case COMMON_STATUS:
        return read_status(dev);
    case COMMON_GENERATION:
        return dev->config_generation;
    case COMMON_QUEUE_SELECT:
        return dev->queue_select;
    default:
        return read_queue(dev, offset);
    }
}

static void write_accepted(struct virtio *dev, u32 value)
{
    unsigned shift = dev->accepted_select % 2 * 32;

    if (dev->accepted_select < 2 && !(dev->status & VIRTIO_STATUS_FEATURES_OK))
        dev->accepted = (dev->accepted & ~(0xffffffffull << shift)) | (u64)value << shift;
}

/* Status bits are only ever added, but by a reset. Those that do not fit are not taken. */
static void write_status(struct virtio *dev, u8 value)
{
    u8 added = value & STATUS_DRIVERS & (u8)~dev->status;
    bool is_sound = (dev->accepted & ~offered(dev)) == 0 && (dev->accepted & VIRTIO_F_VERSION_1);

    if (value == 0) {
        virtio_reset_locked(dev);
        return;
    }
    if (!is_sound)
        added &= (u8)~VIRTIO_STATUS_FEATURES_OK;
    if (!((dev->status | added) & VIRTIO_STATUS_FEATURES_OK))
        added &= (u8)~VIRTIO_STATUS_DRIVER_OK;
    __atomic_fetch_or(&dev->status, added, __ATOMIC_SEQ_CST);
    if (added & VIRTIO_STATUS_DRIVER_OK)
        virtio_start_locked(dev);
}

static u16 sound_vector(const struct virtio *dev, u32 value)
{
    return value < dev->msi.count ? (u16)value : (u16)VIRTIO_NO_VECTOR;
}

/* Size and addresses stand once the queue is enabled, and no queue is enabled late. */
static void write_ring(struct virtio *dev, struct virtqueue *ring, u64 offset, u32 value)
{
    unsigned shift = offset % sizeof(u64) * 8;

    if (ring->is_enabled || (dev->status & VIRTIO_STATUS_DRIVER_OK))
        return;
    if (offset == COMMON_QUEUE_SIZE)
        ring->size = (u16)value;
    else if (offset == COMMON_QUEUE_ENABLE)
        ring->is_enabled = value == 1;
    else if (offset >= COMMON_QUEUE_DESCRIPTORS)
        *ring_address(ring, offset) =
            (*ring_address(ring, offset) & ~(0xffffffffull << shift)) | (u64)value << shift;
}

static void write_common(struct virtio *dev, u64 offset, u32 value)
{
    struct virtio_queue *q = selected(dev);

    switch (offset) {
    case COMMON_FEATURE_SELECT:
        dev->feature_select = value;
        break;
    case COMMON_ACCEPTED_SELECT:
        dev->accepted_select = value;
        break;
    case COMMON_ACCEPTED:
        write_accepted(dev, value);
        break;
    case COMMON_CONFIG_VECTOR:
        __atomic_store_n(&dev->config_vector, sound_vector(dev, value), __ATOMIC_RELAXED);
        break;
    case COMMON_STATUS:
        write_status(dev, (u8)value);
        break;
    case COMMON_QUEUE_SELECT:
        dev->queue_select = (u16)value;
        break;
    case COMMON_QUEUE_VECTOR:
        if (q)
            __atomic_store_n(&q->vector, sound_vector(dev, value), __ATOMIC_RELAXED);
        break;
    default:
        if (q)
            write_ring(dev, &q->ring, offset, value);
    }
}

static bool is_common(u64 offset, unsigned size)
{
    return offset - AT_COMMON < COMMON_BYTES && common_width[offset - AT_COMMON] == size;
}

static u64 config_read(const struct virtio *dev, u64 offset, unsigned size)
{
    u64 value = 0;

    if (offset >= dev->model->config_bytes || size > dev->model->config_bytes - offset)
        return vdev_ones(size);
    memcpy(&value, &dev->config[offset], size);
    return value;
}

/* All of it, or nothing. */
static void config_write(struct virtio *dev, u64 offset, unsigned size, u64 value)
{
    u64 bytes = offset < VIRTIO_CONFIG_MAX ? (BIT(size) - 1) << offset : 0;

    if (bytes != 0 && (bytes & ~dev->model->config_writable) == 0)
        memcpy(&dev->config[offset], &value, size);
}

static u64 bar_read(struct vdev *vdev, u64 offset, unsigned size)
{
    struct virtio *dev = container_of(vdev, struct virtio, dev);
    u64 value = vdev_ones(size);
    u64 flags;

    if (offset >= AT_PENDING)
        return vmsi_pending_read(&dev->msi, offset - AT_PENDING, size);
    if (offset >= AT_TABLE)
        return vmsi_table_read(&dev->msi, offset - AT_TABLE, size);
    if (offset == AT_ISR && size == 1)
        return virtio_isr_take(dev);
    flags = spin_lock_irqsave(&vdev->lock);
    if (is_common(offset, size))
        value = read_common(dev, offset - AT_COMMON);
    else if (offset >= AT_CONFIG && offset < AT_NOTIFY)
        value = config_read(dev, offset - AT_CONFIG, size);
    spin_unlock_irqrestore(&vdev->lock, flags);
    return value;
}

/* The doorbell: the place says which queue, whatever is written. */
static void notify(struct virtio *dev, u64 offset)
{
    u64 queue = offset / NOTIFY_STRIDE;

    if (queue < dev->model->queue_count &&
        __atomic_load_n(&dev->queues[queue].ring.is_live, __ATOMIC_ACQUIRE))
        dev->model->ops->notify(dev, (u16)queue);
}

static void bar_write(struct vdev *vdev, u64 offset, unsigned size, u64 value)
{
    struct virtio *dev = container_of(vdev, struct virtio, dev);
    u64 flags;

    if (likely(offset - AT_NOTIFY < NOTIFY_BYTES)) {
        notify(dev, offset - AT_NOTIFY);
    } else if (offset >= AT_TABLE && offset < AT_PENDING) {
        vmsi_table_write(&dev->msi, offset - AT_TABLE, size, value);
    } else if (is_common(offset, size) || (offset >= AT_CONFIG && offset < AT_NOTIFY)) {
        flags = spin_lock_irqsave(&vdev->lock);
        if (is_common(offset, size))
            write_common(dev, offset - AT_COMMON, (u32)value);
        else
            config_write(dev, offset - AT_CONFIG, size, value);
        spin_unlock_irqrestore(&vdev->lock, flags);
    }
}

static const struct bus_ops bar_ops = {.read = bar_read, .write = bar_write};

/*
 * The capability by which a guest without memory decoding reaches the BAR: it says where and how
 * much, the access to the data register then carries it out. Spec: Virtio 1.2, 4.1.4.9 "PCI
 * configuration access capability".
 */
struct window {
    u32 at; /* of the data register */
    u32 bar, offset, bytes;
};

static bool window_get(struct vpci_function *fn, u32 access, unsigned size, struct window *w)
{
    u64 flags = spin_lock_irqsave(&fn->host->lock);
    u8 at = fn->config.bytes[PCI_CAPABILITY_POINTER]; /* it is the first one */

    w->at = at + VIRTIO_CAP_DATA;
    w->bar = vpci_config_get(&fn->config, at + VIRTIO_CAP_BAR, 1);
    w->offset = vpci_config_get(&fn->config, at + VIRTIO_CAP_OFFSET, 4);
    w->bytes = vpci_config_get(&fn->config, at + VIRTIO_CAP_SIZE, 4);
    spin_unlock_irqrestore(&fn->host->lock, flags);
    return access < w->at + sizeof(u32) && access + size > w->at && w->bar == BAR_INDEX &&
           (w->bytes == 1 || w->bytes == 2 || w->bytes == 4) && IS_ALIGNED(w->offset, w->bytes) &&
           w->offset < BAR_BYTES;
}

static void before_read(struct vpci_function *fn, u32 offset, unsigned size)
{
    struct window w;
    u64 flags;
    u32 value;

    if (!window_get(fn, offset, size, &w))
        return;
    value = (u32)bar_read(fn->dev, w.offset, w.bytes);
    flags = spin_lock_irqsave(&fn->host->lock);
    vpci_config_set(&fn->config, w.at, w.bytes, value);
    spin_unlock_irqrestore(&fn->host->lock, flags);
}

static void after_write(struct vpci_function *fn, u32 offset, unsigned size)
{
    struct window w;
    u64 flags;
    u32 value;

    if (!window_get(fn, offset, size, &w))
        return;
    flags = spin_lock_irqsave(&fn->host->lock);
    value = vpci_config_get(&fn->config, w.at, w.bytes);
    spin_unlock_irqrestore(&fn->host->lock, flags);
    bar_write(fn->dev, w.offset, w.bytes, value);
}

static const struct vpci_hooks hooks = {.before_read = before_read, .after_write = after_write};

static void put_u32(u8 *at, u32 value)
{
    memcpy(at, &value, sizeof(value));
}

static void add_capability(struct vpci_function *fn, u8 type, u8 length, u32 offset, u32 bytes)
{
    u8 body[VIRTIO_CAP_LARGE_BYTES] = {[VIRTIO_CAP_LENGTH] = length, [VIRTIO_CAP_TYPE] = type};
    u8 writable[VIRTIO_CAP_LARGE_BYTES] = {0};

    body[VIRTIO_CAP_BAR] = BAR_INDEX;
    put_u32(&body[VIRTIO_CAP_OFFSET], offset);
    put_u32(&body[VIRTIO_CAP_SIZE], bytes);
    if (type == VIRTIO_CAP_NOTIFY)
        put_u32(&body[VIRTIO_CAP_MULTIPLIER], NOTIFY_STRIDE);
    if (type == VIRTIO_CAP_PCI) {
        writable[VIRTIO_CAP_BAR] = 0xff;
        memset(&writable[VIRTIO_CAP_OFFSET], 0xff, VIRTIO_CAP_LARGE_BYTES - VIRTIO_CAP_OFFSET);
    }
    (void)vpci_config_add_capability(&fn->config, PCI_CAP_VENDOR, body, writable, length);
}

int virtio_pci_add(struct virtio *dev)
{
    const struct virtio_model *model = dev->model;
    struct vpci_function *fn = &dev->fn;
    struct vpci_ident ident = {
        .vendor = VIRTIO_PCI_VENDOR,
        .device = (u16)(VIRTIO_PCI_DEVICE + model->id),
        .subsystem_vendor = VIRTIO_PCI_VENDOR,
        .subsystem = (u16)(VIRTIO_PCI_SUBSYSTEM + model->id),
        .class_code = model->class_code,
        .revision = VIRTIO_PCI_REVISION,
    };

    vpci_function_init(fn, &dev->dev, &ident);
    fn->hooks = &hooks;
    fn->can_leave = model->can_leave;
    vpci_function_add_bar(fn, BAR_INDEX, VPCI_BAR_MEM64, BAR_BYTES, &bar_ops);
    add_capability(fn, VIRTIO_CAP_PCI, VIRTIO_CAP_LARGE_BYTES, 0, 0);
    add_capability(fn, VIRTIO_CAP_COMMON, VIRTIO_CAP_BYTES, AT_COMMON, COMMON_BYTES);
    add_capability(fn, VIRTIO_CAP_NOTIFY, VIRTIO_CAP_LARGE_BYTES, AT_NOTIFY, NOTIFY_BYTES);
    add_capability(fn, VIRTIO_CAP_ISR, VIRTIO_CAP_BYTES, AT_ISR, 1);
    if (model->config_bytes > 0)
        add_capability(fn, VIRTIO_CAP_DEVICE, VIRTIO_CAP_BYTES, AT_CONFIG, model->config_bytes);
    vpci_function_add_msix(fn, &dev->msi, BAR_INDEX, AT_TABLE, AT_PENDING);
    return vpci_add(dev->dev.vm->pci, fn);
}
