/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake virtio device, and the host services its drivers need. */
#include "tests/fakes/virtio.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "drivers/virtio/virtio_io.h"
#include "drivers/virtio/virtio_regs.h"
#include "mm/dma.h"
#include "mm/kheap.h"
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

/* Where the structures are in BAR 4. */
#define COMMON     0x0000u
#define ISR        0x1000u
#define CONFIG     0x2000u
#define NOTIFY     0x3000u
#define MULTIPLIER 4u

struct fake_virtio fake;
struct pci_device fake_pci;
static _Alignas(8) u8 bar[FAKE_BAR_BYTES];
static u16 selected;
static u32 device_select, driver_select;

static void put_cap(u8 at, u8 next, u8 type, u32 offset, u32 bytes)
{
    u8 *cap = fake.pci_config + at;

    cap[0] = PCI_CAP_VENDOR;
    cap[1] = next;
    cap[2] = 20;
    cap[VIRTIO_PCI_CAP_CFG_TYPE] = type;
    cap[VIRTIO_PCI_CAP_BAR] = 4;
    memcpy(cap + VIRTIO_PCI_CAP_OFFSET, &offset, 4);
    memcpy(cap + VIRTIO_PCI_CAP_LENGTH, &bytes, 4);
}

void fake_virtio_init(void)
{
    static const u16 sizes[FAKE_QUEUES] = {256, 256, 64, 0};
    u32 multiplier = MULTIPLIER;

    fake = (struct fake_virtio){.offered = BIT(32), .irq_kind = PCI_IRQ_MSIX};
    fake_pci = (struct pci_device){.bdf = "0000:00:05.0"};
    fake_pci.bars[4] = (struct pci_bar){.base = 0xfe000000, .bytes = FAKE_BAR_BYTES};
    put_cap(0x40, 0x54, VIRTIO_PCI_CAP_COMMON_CFG, COMMON, VIRTIO_COMMON_BYTES);
    put_cap(0x54, 0x68, VIRTIO_PCI_CAP_ISR_CFG, ISR, 1);
    put_cap(0x68, 0x7c, VIRTIO_PCI_CAP_DEVICE_CFG, CONFIG, FAKE_CONFIG_BYTES);
    put_cap(0x7c, 0x00, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY, FAKE_QUEUES * MULTIPLIER);
    memcpy(fake.pci_config + 0x7c + VIRTIO_PCI_CAP_MULTIPLIER, &multiplier, 4);
    for (u16 i = 0; i < FAKE_QUEUES; i++)
        fake.queues[i] = (struct fake_queue){.size = sizes[i], .notify_off = i};
}

/* -- the device's registers ------------------------------------------------------------------- */

static struct fake_queue *queue(void)
{
    static struct fake_queue none;

    return selected < FAKE_QUEUES ? &fake.queues[selected] : &none;
}

u8 virtio_read8(const volatile u8 *at)
{
    u32 offset = (u32)(at - bar);
    u8 value = 0;

    if (offset == VIRTIO_DEVICE_STATUS)
        return fake.status;
    if (offset == VIRTIO_CONFIG_GENERATION)
        return fake.generation = (u8)(fake.generation + fake.is_restless);
    if (offset == ISR) {
        value = fake.isr;
        fake.isr = 0;
    } else if (CHECK(offset >= CONFIG && offset < CONFIG + FAKE_CONFIG_BYTES)) {
        value = fake.config[offset - CONFIG];
    }
    return value;
}

u16 virtio_read16(const volatile u8 *at)
{
    u32 offset = (u32)(at - bar);
    u16 value = 0;

    switch (offset) {
    case VIRTIO_QUEUE_SIZE:
        return queue()->size;
    case VIRTIO_QUEUE_NOTIFY_OFF:
        return queue()->notify_off;
    case VIRTIO_QUEUE_MSIX_VECTOR:
    case VIRTIO_CONFIG_MSIX_VECTOR:
        return fake.takes_no_vector ? 0xffff : queue()->vector;
    default:
        if (CHECK(offset >= CONFIG && offset + 2 <= CONFIG + FAKE_CONFIG_BYTES))
            memcpy(&value, fake.config + offset - CONFIG, 2);
        return value;
    }
}

u32 virtio_read32(const volatile u8 *at)
{
    u32 offset = (u32)(at - bar), value = 0;

    if (offset == VIRTIO_DEVICE_FEATURE)
        return (u32)(fake.offered >> (32 * device_select));
    if (CHECK(offset >= CONFIG && offset + 4 <= CONFIG + FAKE_CONFIG_BYTES))
        memcpy(&value, fake.config + offset - CONFIG, 4);
    return value;
}

void virtio_write8(volatile u8 *at, u8 value)
{
    if (!CHECK_EQ(at - bar, VIRTIO_DEVICE_STATUS))
        return;
    if (value != 0) {
        fake.status = (u8)(value & ~(fake.refuses_features ? VIRTIO_STATUS_FEATURES_OK : 0));
        return;
    }
    fake.resets++;
    if (fake.resets_never)
        return;
    fake.status = 0;
    for (u32 i = 0; i < FAKE_QUEUES; i++) {
        fake.queues[i].is_enabled = false;
        fake.queues[i].avail_idx = fake.queues[i].used_idx = 0;
    }
}

void virtio_write16(volatile u8 *at, u16 value)
{
    u32 offset = (u32)(at - bar);

    if (offset >= NOTIFY && offset < NOTIFY + FAKE_QUEUES * MULTIPLIER) {
        CHECK(value < FAKE_QUEUES && offset == NOTIFY + fake.queues[value].notify_off * MULTIPLIER);
        CHECK((fake.status & VIRTIO_STATUS_DRIVER_OK) != 0);
        fake.queues[value].kicks++;
        if (fake.on_kick)
            fake.on_kick(value);
        return;
    }
    switch (offset) {
    case VIRTIO_QUEUE_SELECT:
        selected = value;
        break;
    case VIRTIO_QUEUE_SIZE:
        queue()->size = value;
        break;
    case VIRTIO_QUEUE_MSIX_VECTOR:
        queue()->vector = value;
        break;
    case VIRTIO_QUEUE_ENABLE:
        CHECK((fake.status & VIRTIO_STATUS_FEATURES_OK) != 0 && fake.is_master);
        queue()->is_enabled = true;
        break;
    default:
        CHECK_EQ(offset, VIRTIO_CONFIG_MSIX_VECTOR);
    }
}

static void set_half(u64 *field, u32 half, u32 value)
{
    memcpy((u8 *)field + half, &value, 4);
}

void virtio_write32(volatile u8 *at, u32 value)
{
    u32 offset = (u32)(at - bar);

    if (offset == VIRTIO_DEVICE_FEATURE_SELECT)
        device_select = value;
    else if (offset == VIRTIO_DRIVER_FEATURE_SELECT)
        driver_select = value;
    else if (offset == VIRTIO_DRIVER_FEATURE)
        set_half(&fake.accepted, 4 * driver_select, value);
    else if (offset >= VIRTIO_QUEUE_DEVICE)
        set_half(&queue()->device, offset - VIRTIO_QUEUE_DEVICE, value);
    else if (offset >= VIRTIO_QUEUE_DRIVER)
        set_half(&queue()->driver, offset - VIRTIO_QUEUE_DRIVER, value);
    else if (CHECK(offset >= VIRTIO_QUEUE_DESC))
        set_half(&queue()->desc, offset - VIRTIO_QUEUE_DESC, value);
}

/* -- the device's side of its queues ---------------------------------------------------------- */

void *fake_virtio_memory(u64 address)
{
    CHECK(fake.is_master);
    return (void *)address;
}

bool fake_virtio_pop(u16 index, u16 *head, struct virtq_desc *pieces, u32 max, u32 *count)
{
    struct fake_queue *q = &fake.queues[index];
    const u16 *avail = fake_virtio_memory(q->driver);
    const struct virtq_desc *table = fake_virtio_memory(q->desc);
    u16 at;

    if (!CHECK(q->is_enabled) || avail[1] == q->avail_idx)
        return false;
    at = *head = avail[2 + q->avail_idx++ % q->size];
    if ((fake.accepted & BIT(29)) != 0) /* event index: it wants to hear of the next one */
        ((u16 *)fake_virtio_memory(q->device))[2 + 4 * q->size] = q->avail_idx;
    for (*count = 0; CHECK(*count < max && at < q->size); at = table[at].next) {
        pieces[*count] = table[at];
        if ((pieces[(*count)++].flags & VIRTQ_DESC_F_NEXT) == 0)
            break;
    }
    return true;
}

void fake_virtio_push(u16 index, u32 head, u32 bytes)
{
    struct fake_queue *q = &fake.queues[index];
    u16 *used = fake_virtio_memory(q->device);
    u32 entry[2] = {head, bytes};

    memcpy(used + 2 + 4 * (q->used_idx % q->size), entry, sizeof entry);
    used[1] = ++q->used_idx;
}

/* -- the host --------------------------------------------------------------------------------- */

u64 time_ns(void)
{
    return fake.now += NS_PER_MS;
}

void *kzalloc(size_t bytes)
{
    return calloc(1, bytes);
}

void kfree(void *p)
{
    free(p);
}

int dma_alloc(struct dma_buf *buf, u64 bytes)
{
    if (fake.dma_fails)
        return -ENOMEM;
    *buf = (struct dma_buf){.cpu = calloc(1, bytes), .bytes = bytes};
    buf->bus = hpa((u64)buf->cpu);
    fake.dma_buffers++;
    return 0;
}

void dma_free(struct dma_buf *buf)
{
    CHECK(!fake.is_master || fake.status == 0); /* the device could still write there */
    free(buf->cpu);
    *buf = (struct dma_buf){0};
    fake.dma_buffers--;
}

u32 pci_read(const struct pci_device *dev, u16 offset, unsigned bytes)
{
    u32 value = 0;

    (void)dev;
    memcpy(&value, fake.pci_config + offset, bytes);
    return value;
}

u16 pci_capability_next(const struct pci_device *dev, u16 at, u8 id)
{
    (void)dev;
    CHECK_EQ(id, PCI_CAP_VENDOR);
    return at == 0 ? 0x40 : fake.pci_config[at + 1];
}

volatile void *pci_map_bar(const struct pci_device *dev, unsigned index)
{
    (void)dev;
    return index == 4 ? bar : NULL;
}

void pci_enable(const struct pci_device *dev)
{
    (void)dev;
    fake.is_master = true;
}

void pci_disable(const struct pci_device *dev)
{
    (void)dev;
    fake.is_master = false;
}

enum pci_irq_kind pci_irq_setup(const struct pci_device *dev, irq_handler handler, void *arg,
                                struct pci_irq *irq)
{
    (void)dev;
    *irq = (struct pci_irq){.kind = fake.irq_kind, .handler = handler, .arg = arg};
    fake.handler = handler;
    fake.handler_arg = arg;
    return irq->kind;
}

void pci_irq_release(const struct pci_device *dev, struct pci_irq *irq)
{
    (void)dev;
    irq->kind = PCI_IRQ_NONE;
    fake.handler = NULL;
}
