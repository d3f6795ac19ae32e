/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver that follows the specification, as far as its callers let it. */
#include "tests/guests/lib/virtio.h"

#define CAP_VENDOR     0x09u
#define TYPE_COMMON    1u
#define TYPE_NOTIFY    2u
#define TYPE_ISR       3u
#define TYPE_DEVICE    4u
#define AT_MULTIPLIER  16u /* in the capability of doorbells */
#define PATIENCE_TICKS (2 * PM_TIMER_HZ)

void virtio_locate(struct virtio *v)
{
    v->bar = (mmio_read(v->config + PCI_BAR0) & ~0xfull) | (u64)mmio_read(v->config + PCI_BAR0 + 4)
                                                               << 32;
    for (u8 at = mmio_read8(v->config + 0x34); at != 0; at = mmio_read8(v->config + at + 1)) {
        u8 type = mmio_read8(v->config + at + 3);
        u64 place = v->bar + mmio_read(v->config + at + 8);

        if (mmio_read8(v->config + at) == CAP_MSIX)
            v->msix = at;
        if (mmio_read8(v->config + at) != CAP_VENDOR)
            continue;
        if (type == TYPE_COMMON)
            v->common = place;
        else if (type == TYPE_ISR)
            v->isr = place;
        else if (type == TYPE_DEVICE)
            v->device = place;
        if (type != TYPE_NOTIFY)
            continue;
        v->notify = place;
        v->notify_step = mmio_read(v->config + at + AT_MULTIPLIER);
    }
}

bool virtio_find(struct virtio *v, u32 id)
{
    for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
        v->config = ECAM + (slot << 15);
        if (mmio_read(v->config) != id)
            continue;
        mmio_write16(v->config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER);
        virtio_locate(v);
        return true;
    }
    return false;
}

static void start_queue(struct virtio *v, u16 number)
{
    const struct queue *queue = &v->queue[number];
    const u64 parts[] = {(u64)queue->table, (u64)queue->driver, (u64)queue->device};

    mmio_write16(v->common + V_QUEUE_SELECT, number);
    mmio_write16(v->common + V_QUEUE_SIZE, QUEUE_SIZE);
    for (u32 i = 0; i < 3; i++) {
        mmio_write(v->common + V_DESCRIPTORS + 8 * i, (u32)parts[i]);
        mmio_write(v->common + V_DESCRIPTORS + 8 * i + 4, (u32)(parts[i] >> 32));
    }
    mmio_write16(v->common + V_QUEUE_ENABLE, 1);
}

u8 virtio_start(struct virtio *v, u64 features)
{
    u32 count = v->queue_count ? v->queue_count : 1;
    volatile u8 *bytes = (volatile u8 *)v->queue;

    mmio_write8(v->common + V_STATUS, 0);
    for (u32 i = 0; i < count * sizeof(*v->queue); i++)
        bytes[i] = 0;
    mmio_write8(v->common + V_STATUS, 3);
    for (u32 i = 0; i < 2; i++) {
        mmio_write(v->common + V_ACCEPTED_SELECT, i);
        mmio_write(v->common + V_ACCEPTED, (u32)(features >> 32 * i));
    }
    mmio_write8(v->common + V_STATUS, 0xb);
    for (u16 i = 0; i < count; i++)
        start_queue(v, i);
    mmio_write16(v->common + V_QUEUE_SELECT, 0);
    mmio_write8(v->common + V_STATUS, READY);
    return mmio_read8(v->common + V_STATUS);
}

void virtio_add_to(struct virtio *v, u16 queue, u16 head)
{
    volatile u16 *driver = v->queue[queue].driver;

    driver[2 + driver[1] % QUEUE_SIZE] = head;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    driver[1]++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    mmio_write16(v->notify + queue * v->notify_step, queue);
}

bool virtio_wait_used_of(const struct virtio *v, u16 queue, u16 count)
{
    u32 start = inl(PM_TIMER);

    while (virtio_used_of(v, queue) != count) {
        if (inl(PM_TIMER) - start > PATIENCE_TICKS)
            return false;
        __asm__ volatile("pause");
    }
    return true;
}
