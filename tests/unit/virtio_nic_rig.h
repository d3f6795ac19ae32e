/* SPDX-License-Identifier: BSD-2-Clause */
/* An emulated network card on a board without CPUs, and its driver's side of the queues. */
#ifndef SOCLE_TESTS_VIRTIO_NIC_RIG_H
#define SOCLE_TESTS_VIRTIO_NIC_RIG_H

#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_regs.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_board_net.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/unit/virtio_driver.h"

#define SLOT   1u
#define RX     0u
#define TX     1u
#define SIZE   8u
#define CTRL   (2u * board.vm.vcpu_count) /* with several pairs */
#define QUEUES 7u                         /* of three */
#define HEADER 12u

#define F_CSUM       BIT(0)
#define F_GUEST_CSUM BIT(1)

/* Each queue has 0x300 bytes: descriptors, driver's ring, device's ring; buffers from 0x1800 on. */
#define DESCRIPTORS(q) ((q)*0x300u)
#define DRIVER(q)      (DESCRIPTORS(q) + 0x100u)
#define DEVICE(q)      (DESCRIPTORS(q) + 0x200u)
#define BUFFER         0x1800u

static u16 added[QUEUES];

static void start(u64 features)
{
    accept(features | VIRTIO_F_VERSION_1);
    for (u32 q = 0; q < (board.vm.vcpu_count > 1 ? CTRL + 1 : 2); q++) {
        place_queue(q, SIZE, DESCRIPTORS(q), DRIVER(q), DEVICE(q));
        put(BAR + COMMON_QUEUE_ENABLE, 2, 1);
    }
    put(BAR + COMMON_STATUS, 1, 0xf);
    memset(added, 0, sizeof(added));
}

static void setup_vcpus(u64 features, u32 vcpus)
{
    const struct netport_config cfg = {.network = "lab", .mac = {2, 0, 0, 0, 0, 1}};

    board_init(&board, vcpus);
    fake_gmem_init(0);
    fake_attach_rc = 0;
    fake_asks = fake_flushes = fake_completions = 0;
    for (u32 i = 0; i < vcpus; i++)
        CHECK_EQ(vlapic_create(&board.vcpus[i]), 0);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    CHECK_EQ(vpci_create(&board.vm, 0x400000000), 0);
    CHECK_EQ(virtio_net_create(&board.vm, &cfg), 0);
    put(GUEST_PCI_ECAM + (SLOT << 15) + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    start(features);
}

static unused void setup(u64 features)
{
    setup_vcpus(features, 1);
}

static void teardown(void)
{
    board_fini(&board);
    CHECK(!fake_port);
    CHECK_EQ(fake_pktbufs_out, 0);
}

/* One buffer as one chain, without a doorbell. */
static void add(u32 queue, u64 address, u32 bytes)
{
    u32 index = added[queue] % SIZE;
    const u32 flags = queue % 2 == 0 ? 2 : 0;
    const u32 descriptor[4] = {(u32)address, (u32)(address >> 32), bytes, flags};
    u16 head = (u16)index;

    memcpy(fake_ram + DESCRIPTORS(queue) + 16 * index, descriptor, sizeof(descriptor));
    memcpy(fake_ram + DRIVER(queue) + 4 + 2 * index, &head, 2);
    added[queue]++;
    memcpy(fake_ram + DRIVER(queue) + 2, &added[queue], 2);
}

static void ring(u32 queue)
{
    put(NOTIFY + 4 * queue, 2, queue);
}

static u16 used(u32 queue)
{
    u16 index;

    memcpy(&index, fake_ram + DEVICE(queue) + 2, 2);
    return index;
}

static unused u32 used_bytes(u32 queue, u32 nth)
{
    u32 bytes;

    memcpy(&bytes, fake_ram + DEVICE(queue) + 4 + 8 * (nth % SIZE) + 4, 4);
    return bytes;
}

static unused bool is_muted(u32 queue)
{
    return fake_ram[DEVICE(queue)] & 1;
}

static unused struct pktbuf *sent(void)
{
    return ring_pop(&fake_port->outbox);
}

static unused void arrive(u16 len, u8 csum)
{
    struct pktbuf *pkt = pktbuf_alloc_for(len);

    memset(pktbuf_data(pkt), 0x5a, len);
    pkt->len = len;
    pkt->csum = csum;
    pkt->csum_start = 34;
    pkt->csum_offset = 16;
    CHECK(ring_push(&fake_port->inbox, pkt));
    fake_port->cfg.wake(fake_port->cfg.wake_arg);
}

#endif
