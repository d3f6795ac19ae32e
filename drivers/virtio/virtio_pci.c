/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds, starts and resets virtio devices on the host's PCI bus. */
#include "drivers/virtio/virtio_pci.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/log.h"
#include "drivers/virtio/virtio_io.h"
#include "drivers/virtio/virtio_regs.h"

/* Long: a backend that flushes a disk before it answers is slow, not broken. */
#define RESET_TIMEOUT_NS (2 * NS_PER_S)
#define CAPABILITIES_MAX 16u
#define STABLE_TRIES     16u
#define MSIX_ENTRY       0u

static u8 status_get(const struct virtio_dev *dev)
{
    return virtio_read8(dev->common.at + VIRTIO_DEVICE_STATUS);
}

static void status_add(const struct virtio_dev *dev, u32 bits)
{
    virtio_write8(dev->common.at + VIRTIO_DEVICE_STATUS, (u8)(status_get(dev) | bits));
}

/* The structure a capability names, if it lies in a BAR; the rest of an absurd one is ignored. */
static struct virtio_window window_at(const struct pci_device *pci, u16 cap)
{
    struct virtio_window window = {NULL, 0};
    u32 bar = pci_read(pci, (u16)(cap + VIRTIO_PCI_CAP_BAR), 1);
    u32 offset = pci_read(pci, (u16)(cap + VIRTIO_PCI_CAP_OFFSET), 4);
    u32 bytes = pci_read(pci, (u16)(cap + VIRTIO_PCI_CAP_LENGTH), 4);
    volatile u8 *base;

    if (bar >= PCI_BARS || (u64)offset + bytes > pci->bars[bar].bytes || !IS_ALIGNED(offset, 4u))
        return window;
    base = pci_map_bar(pci, bar);
    if (base != NULL)
        window = (struct virtio_window){base + offset, bytes};
    return window;
}

/* Spec: Virtio 1.2 "Virtio Structure PCI Capabilities": the first of each kind is to be used. */
static void find_windows(struct virtio_dev *dev)
{
    u16 cap = pci_capability_next(dev->pci, 0, PCI_CAP_VENDOR);
    struct virtio_window *const windows[] = {
        [VIRTIO_PCI_CAP_COMMON_CFG] = &dev->common,
        [VIRTIO_PCI_CAP_NOTIFY_CFG] = &dev->notify,
        [VIRTIO_PCI_CAP_ISR_CFG] = &dev->isr,
        [VIRTIO_PCI_CAP_DEVICE_CFG] = &dev->config,
    };

    for (u32 i = 0; i < CAPABILITIES_MAX && cap != 0; i++) {
        u32 type = pci_read(dev->pci, (u16)(cap + VIRTIO_PCI_CAP_CFG_TYPE), 1);

        if (type >= VIRTIO_PCI_CAP_COMMON_CFG && type <= VIRTIO_PCI_CAP_DEVICE_CFG &&
            windows[type]->at == NULL) {
            *windows[type] = window_at(dev->pci, cap);
            if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
                dev->notify_multiplier =
                    pci_read(dev->pci, (u16)(cap + VIRTIO_PCI_CAP_MULTIPLIER), 4);
        }
        cap = pci_capability_next(dev->pci, cap, PCI_CAP_VENDOR);
    }
}

int virtio_reset(struct virtio_dev *dev)
{
    u64 deadline = time_ns() + RESET_TIMEOUT_NS;

    virtio_write8(dev->common.at + VIRTIO_DEVICE_STATUS, 0);
    while (status_get(dev) != 0) {
        if (time_ns() > deadline)
            return -ETIMEDOUT;
        cpu_pause();
    }
    return 0;
}

int virtio_open(struct virtio_dev *dev, const struct pci_device *pci)
{
    int rc;

    *dev = (struct virtio_dev){.pci = pci};
    find_windows(dev);
    if (dev->common.bytes < VIRTIO_COMMON_BYTES || dev->notify.at == NULL || dev->isr.bytes == 0) {
        log_warn("virtio", "%s: no interface of virtio 1.0 or later", pci->bdf);
        return -ENODEV;
    }
    pci_enable(pci);
    rc = virtio_reset(dev);
    if (rc != 0)
        pci_disable(pci);
    return rc;
}

void virtio_close(struct virtio_dev *dev)
{
    if (virtio_reset(dev) != 0)
        log_warn("virtio", "%s: does not answer to a reset", dev->pci->bdf);
    pci_irq_release(dev->pci, &dev->irq);
    pci_disable(dev->pci);
}

static u64 device_features(const struct virtio_dev *dev)
{
    u64 low, high;

    virtio_write32(dev->common.at + VIRTIO_DEVICE_FEATURE_SELECT, 0);
    low = virtio_read32(dev->common.at + VIRTIO_DEVICE_FEATURE);
    virtio_write32(dev->common.at + VIRTIO_DEVICE_FEATURE_SELECT, 1);
    high = virtio_read32(dev->common.at + VIRTIO_DEVICE_FEATURE);
    return high << 32 | low;
}

/* Spec: Virtio 1.2 "Driver Requirements: Device Initialization", steps 2 to 6. */
int virtio_negotiate(struct virtio_dev *dev, u64 wanted)
{
    u64 offered;

    /* 2., 3. We have seen it and can drive it. */
    status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    status_add(dev, VIRTIO_STATUS_DRIVER);

    /* 4. What both understand. Without an IOMMU the platform's addresses are physical ones. */
    offered = device_features(dev);
    if ((offered & VIRTIO_F_VERSION_1) == 0)
        return -EOPNOTSUPP;
    dev->features = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
    virtio_write32(dev->common.at + VIRTIO_DRIVER_FEATURE_SELECT, 0);
    virtio_write32(dev->common.at + VIRTIO_DRIVER_FEATURE, (u32)dev->features);
    virtio_write32(dev->common.at + VIRTIO_DRIVER_FEATURE_SELECT, 1);
    virtio_write32(dev->common.at + VIRTIO_DRIVER_FEATURE, (u32)(dev->features >> 32));

    /* 5., 6. It may refuse the combination. */
    status_add(dev, VIRTIO_STATUS_FEATURES_OK);
    return (status_get(dev) & VIRTIO_STATUS_FEATURES_OK) != 0 ? 0 : -EOPNOTSUPP;
}

static void write_address(const struct virtio_dev *dev, u32 reg, u64 address)
{
    virtio_write32(dev->common.at + reg, (u32)address);
    virtio_write32(dev->common.at + reg + 4, (u32)(address >> 32));
}

/* The selected queue's memory, new or that of an earlier start. Return: 0, -ENOMEM. */
static int queue_memory(struct virtio_queue *queue, u16 size)
{
    u32 bytes = virtq_bytes(size);

    if (queue->memory.cpu != NULL && queue->memory.bytes < bytes)
        dma_free(&queue->memory);
    if (queue->memory.cpu == NULL)
        return dma_alloc(&queue->memory, bytes);
    memset(queue->memory.cpu, 0, queue->memory.bytes);
    return 0;
}

/* Return: false if the device cannot or does not take the vector. */
static bool set_vector(const struct virtio_dev *dev, u32 reg)
{
    if (dev->irq.kind != PCI_IRQ_MSIX)
        return true;
    virtio_write16(dev->common.at + reg, MSIX_ENTRY);
    return virtio_read16(dev->common.at + reg) == MSIX_ENTRY;
}

/* Spec: Virtio 1.2 "Virtqueue Configuration". */
int virtio_queue_start(struct virtio_dev *dev, struct virtio_queue *queue, u16 index, u16 size_max)
{
    volatile u8 *common = dev->common.at;
    u64 doorbell;
    u16 size;
    int rc;

    virtio_write16(common + VIRTIO_QUEUE_SELECT, index);
    size = virtio_read16(common + VIRTIO_QUEUE_SIZE);
    if (size == 0)
        return -ENODEV;
    if ((size & (size - 1u)) != 0)
        return -EIO;
    size = (u16)MIN(size, MIN(size_max, VIRTQ_SIZE_MAX));
    doorbell = (u64)virtio_read16(common + VIRTIO_QUEUE_NOTIFY_OFF) * dev->notify_multiplier;
    if (doorbell + sizeof(u16) > dev->notify.bytes || !IS_ALIGNED(doorbell, 2u))
        return -EIO;
    rc = queue_memory(queue, size);
    if (rc != 0)
        return rc;
    virtq_init(&queue->vq, size, queue->memory.cpu, queue->memory.bus,
               virtio_has(dev, VIRTIO_F_EVENT_IDX));
    queue->vq.index = index;
    queue->vq.notify = (volatile u16 *)(volatile void *)(dev->notify.at + doorbell);
    virtio_write16(common + VIRTIO_QUEUE_SIZE, size);
    write_address(dev, VIRTIO_QUEUE_DESC, queue->vq.desc_hpa);
    write_address(dev, VIRTIO_QUEUE_DRIVER, queue->vq.avail_hpa);
    write_address(dev, VIRTIO_QUEUE_DEVICE, queue->vq.used_hpa);
    if (!set_vector(dev, VIRTIO_QUEUE_MSIX_VECTOR))
        return -EIO;
    virtio_write16(common + VIRTIO_QUEUE_ENABLE, 1);
    return 0;
}

void virtio_queue_free(struct virtio_queue *queue)
{
    if (queue->memory.cpu != NULL)
        dma_free(&queue->memory);
}

void virtio_driver_ok(struct virtio_dev *dev)
{
    if (!set_vector(dev, VIRTIO_CONFIG_MSIX_VECTOR))
        log_warn("virtio", "%s: tells of no changes of its configuration", dev->pci->bdf);
    status_add(dev, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_kick(struct virtio_queue *queue)
{
    if (virtq_publish(&queue->vq))
        virtio_write16((volatile u8 *)queue->vq.notify, queue->vq.index);
}

enum pci_irq_kind virtio_irq_setup(struct virtio_dev *dev, irq_handler handler, void *arg)
{
    return pci_irq_setup(dev->pci, handler, arg, &dev->irq);
}

/* Spec: Virtio 1.2 "ISR status capability": with messages that register stays empty; a message is
 * never shared, and the generation tells whether it was for the configuration. */
u32 virtio_irq_claim(struct virtio_dev *dev)
{
    u8 generation;

    if (dev->irq.kind == PCI_IRQ_INTX)
        return virtio_read8(dev->isr.at) & (VIRTIO_IRQ_QUEUE | VIRTIO_IRQ_CONFIG);
    generation = virtio_read8(dev->common.at + VIRTIO_CONFIG_GENERATION);
    if (generation == dev->generation)
        return VIRTIO_IRQ_QUEUE;
    dev->generation = generation;
    return VIRTIO_IRQ_QUEUE | VIRTIO_IRQ_CONFIG;
}

bool virtio_needs_reset(const struct virtio_dev *dev)
{
    return (status_get(dev) & VIRTIO_STATUS_DEVICE_NEEDS_RESET) != 0;
}

static u64 field_read(const volatile u8 *at, u32 bytes)
{
    switch (bytes) {
    case 1:
        return virtio_read8(at);
    case 2:
        return virtio_read16(at);
    case 4:
        return virtio_read32(at);
    default:
        return virtio_read32(at) | (u64)virtio_read32(at + 4) << 32;
    }
}

/* Spec: Virtio 1.2 "Device Configuration Space": the generation is the same before and after. A
 * device that never stands still gives some value, which is all it could ever give. */
u64 virtio_config_read(const struct virtio_dev *dev, u32 offset, u32 bytes)
{
    u64 value = 0;

    if ((u64)offset + bytes > dev->config.bytes)
        return 0;
    for (u32 i = 0; i < STABLE_TRIES; i++) {
        u8 before = virtio_read8(dev->common.at + VIRTIO_CONFIG_GENERATION);

        value = field_read(dev->config.at + offset, bytes);
        if (virtio_read8(dev->common.at + VIRTIO_CONFIG_GENERATION) == before)
            break;
    }
    return value;
}
