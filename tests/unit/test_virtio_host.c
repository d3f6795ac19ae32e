/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/virtio/v*.c tests/fakes/assert.c tests/fakes/log.c tests/fakes/virtio.c */
/* Finding, negotiating with and resetting virtio devices, and what absurd ones get. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_regs.h"
#include "tests/fakes/virtio.h"

#include <string.h>

static struct virtio_dev dev;
static struct virtio_queue queue;

static bool handler(void *arg)
{
    return virtio_irq_claim(arg) != 0;
}

/* A device as far as FEATURES_OK. */
static void negotiated(void)
{
    fake_virtio_init();
    CHECK_EQ(virtio_open(&dev, &fake_pci), 0);
    CHECK_EQ(virtio_negotiate(&dev, 0), 0);
    queue = (struct virtio_queue){0};
}

TEST(an_ordinary_life)
{
    fake_virtio_init();
    fake.offered |= BIT(3) | BIT(5) | VIRTIO_F_EVENT_IDX;
    queue = (struct virtio_queue){0};
    CHECK_EQ(virtio_open(&dev, &fake_pci), 0);
    CHECK(fake.is_master);
    CHECK_EQ(fake.resets, 1);
    CHECK_EQ(virtio_irq_setup(&dev, handler, &dev), PCI_IRQ_MSIX);
    CHECK_EQ(virtio_negotiate(&dev, BIT(3) | BIT(4) | VIRTIO_F_EVENT_IDX), 0);
    CHECK_EQ(fake.accepted, BIT(3) | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1);
    CHECK(virtio_has(&dev, BIT(3)) && !virtio_has(&dev, BIT(4)) && !virtio_has(&dev, BIT(5)));
    CHECK_EQ(virtio_queue_start(&dev, &queue, 1, 64), 0);
    CHECK_EQ(fake.queues[1].size, 64);
    CHECK_EQ(fake.queues[1].vector, 0);
    CHECK(fake.queues[1].is_enabled);
    CHECK_EQ(fake.queues[1].desc, queue.memory.bus.v);
    virtio_driver_ok(&dev);
    CHECK_EQ(fake.status, 0xf);
    virtio_kick(&queue); /* nothing to tell */
    CHECK_EQ(fake.queues[1].kicks, 0);
    CHECK_EQ(virtq_add(&queue.vq, &(struct virtq_seg){hpa(0x1000), 8, false}, 1, &dev), 0);
    virtio_kick(&queue);
    CHECK_EQ(fake.queues[1].kicks, 1);
    virtio_close(&dev);
    CHECK(!fake.is_master && fake.status == 0 && fake.handler == NULL);
    virtio_queue_free(&queue);
    CHECK_EQ(fake.dma_buffers, 0);
}

TEST(started_again_in_the_same_memory)
{
    void *memory;

    negotiated();
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 256), 0);
    memory = queue.memory.cpu;
    memset(memory, 0xff, queue.memory.bytes);
    CHECK_EQ(virtio_reset(&dev), 0);
    CHECK_EQ(virtio_negotiate(&dev, 0), 0);
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 256), 0);
    CHECK(queue.memory.cpu == memory && !virtq_has_used(&queue.vq));
    CHECK_EQ(fake.dma_buffers, 1);
    virtio_close(&dev);
    virtio_queue_free(&queue);
}

TEST(no_modern_interface)
{
    fake_virtio_init();
    fake.pci_config[0x40 + VIRTIO_PCI_CAP_CFG_TYPE] = 77;
    CHECK_EQ(virtio_open(&dev, &fake_pci), -ENODEV);
    CHECK(!fake.is_master);
    fake_virtio_init();
    fake.offered = 0;
    CHECK_EQ(virtio_open(&dev, &fake_pci), 0);
    CHECK_EQ(virtio_negotiate(&dev, ~0ull), -EOPNOTSUPP);
}

/* Capabilities that point out of their BAR, or to no BAR. */
TEST(absurd_capabilities)
{
    static const struct {
        u8 bar;
        u32 offset, bytes;
    } bad[] = {
        {6, 0, 0x38},       {255, 0, 0x38},        {0, 0, 0x38},
        {4, 0x3fd0, 0x38},  {4, 0xffffffc8, 0x38}, {4, 0, 0x37},
        {4, 0, 0xffffffff}, {4, 2, 0x38},          {4, 0xfffffff0, 0xfffffff0},
    };

    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        fake_virtio_init();
        fake.pci_config[0x40 + VIRTIO_PCI_CAP_BAR] = bad[i].bar;
        memcpy(fake.pci_config + 0x40 + VIRTIO_PCI_CAP_OFFSET, &bad[i].offset, 4);
        memcpy(fake.pci_config + 0x40 + VIRTIO_PCI_CAP_LENGTH, &bad[i].bytes, 4);
        CHECK_EQ(virtio_open(&dev, &fake_pci), -ENODEV);
        CHECK(!fake.is_master);
    }
    fake_virtio_init();
    fake.pci_config[0x7c + 1] = 0x40; /* a list without end */
    CHECK_EQ(virtio_open(&dev, &fake_pci), 0);
}

TEST(absurd_queues)
{
    negotiated();
    CHECK_EQ(virtio_queue_start(&dev, &queue, 3, 64), -ENODEV);
    CHECK_EQ(virtio_queue_start(&dev, &queue, 999, 64), -ENODEV);
    fake.queues[0].size = 100;
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 64), -EIO);
    fake.queues[0].size = 32768;
    fake.queues[0].notify_off = 4; /* its doorbell would be behind the window */
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 64), -EIO);
    fake.queues[0].notify_off = 0xffff;
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 64), -EIO);
    fake.queues[0].notify_off = 0;
    fake.dma_fails = true;
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 64), -ENOMEM);
    fake.dma_fails = false;
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 0x8000), 0);
    CHECK_EQ(fake.queues[0].size, VIRTQ_SIZE_MAX);
    virtio_close(&dev);
    virtio_queue_free(&queue);
}

TEST(refusals)
{
    fake_virtio_init();
    fake.refuses_features = true;
    CHECK_EQ(virtio_open(&dev, &fake_pci), 0);
    CHECK_EQ(virtio_negotiate(&dev, 0), -EOPNOTSUPP);
    fake_virtio_init();
    fake.status = 1;
    fake.resets_never = true;
    CHECK_EQ(virtio_open(&dev, &fake_pci), -ETIMEDOUT);
    CHECK(!fake.is_master);
    negotiated();
    CHECK_EQ(virtio_irq_setup(&dev, handler, &dev), PCI_IRQ_MSIX);
    fake.takes_no_vector = true;
    CHECK_EQ(virtio_queue_start(&dev, &queue, 0, 64), -EIO);
    CHECK_EQ(virtio_reset(&dev), 0);
    virtio_queue_free(&queue);
}

TEST(interrupts)
{
    negotiated();
    CHECK_EQ(virtio_irq_setup(&dev, handler, &dev), PCI_IRQ_MSIX);
    CHECK_EQ(virtio_irq_claim(&dev), VIRTIO_IRQ_QUEUE);
    fake.generation++;
    CHECK_EQ(virtio_irq_claim(&dev), VIRTIO_IRQ_QUEUE | VIRTIO_IRQ_CONFIG);
    CHECK_EQ(virtio_irq_claim(&dev), VIRTIO_IRQ_QUEUE);
    fake.irq_kind = PCI_IRQ_INTX;
    CHECK_EQ(virtio_irq_setup(&dev, handler, &dev), PCI_IRQ_INTX);
    CHECK(!handler(&dev)); /* another device's on the same line */
    fake.isr = VIRTIO_IRQ_CONFIG;
    CHECK_EQ(virtio_irq_claim(&dev), VIRTIO_IRQ_CONFIG);
    CHECK_EQ(virtio_irq_claim(&dev), 0); /* the reading acknowledged it */
    CHECK(!virtio_needs_reset(&dev));
    fake.status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    CHECK(virtio_needs_reset(&dev));
}

TEST(configuration_fields)
{
    negotiated();
    for (u8 i = 0; i < FAKE_CONFIG_BYTES; i++)
        fake.config[i] = i;
    CHECK_EQ(virtio_config_read(&dev, 5, 1), 5);
    CHECK_EQ(virtio_config_read(&dev, 6, 2), 0x0706);
    CHECK_EQ(virtio_config_read(&dev, 8, 4), 0x0b0a0908);
    CHECK_EQ(virtio_config_read(&dev, 8, 8), 0x0f0e0d0c0b0a0908);
    CHECK_EQ(virtio_config_read(&dev, FAKE_CONFIG_BYTES - 8, 8), 0x3f3e3d3c3b3a3938);
    CHECK_EQ(virtio_config_read(&dev, FAKE_CONFIG_BYTES - 4, 8), 0); /* not all of it is there */
    CHECK_EQ(virtio_config_read(&dev, 0xffffffff, 8), 0);
    fake.is_restless = true;
    CHECK_EQ(virtio_config_read(&dev, 8, 4), 0x0b0a0908); /* it ends */
}
