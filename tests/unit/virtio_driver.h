/* SPDX-License-Identifier: BSD-2-Clause */
/* How a driver talks to the emulated virtio device of a board: its registers, and the start. */
#ifndef SOCLE_TESTS_VIRTIO_DRIVER_H
#define SOCLE_TESTS_VIRTIO_DRIVER_H

#include "core/vdev/virtio.h"
#include "core/vdev/virtio_regs.h"
#include "tests/fakes/fake_board.h"

#define BAR    GUEST_PCI_MEM32
#define CONFIG (BAR + 0x200)
#define NOTIFY (BAR + 0x1000)

static struct board board;

static inline void put(u64 at, unsigned size, u64 value)
{
    (void)bus_write(&board.vm.mmio, at, size, value);
}

static inline u64 get(u64 at, unsigned size)
{
    u64 value;

    (void)bus_read(&board.vm.mmio, at, size, &value);
    return value;
}

/* A reset, and the features the driver wants. Spec: Virtio 1.2, 3.1.1. */
static inline void accept(u64 features)
{
    put(BAR + COMMON_STATUS, 1, 0);
    put(BAR + COMMON_STATUS, 1, 3);
    for (u32 i = 0; i < 2; i++) {
        put(BAR + COMMON_ACCEPTED_SELECT, 4, i);
        put(BAR + COMMON_ACCEPTED, 4, features >> 32 * i);
    }
    put(BAR + COMMON_STATUS, 1, 0xb);
}

/* Chooses a queue, and says where its three parts are. It is not enabled yet. */
static inline void place_queue(u32 queue, u32 size, u64 descriptors, u64 driver, u64 device)
{
    put(BAR + COMMON_QUEUE_SELECT, 2, queue);
    put(BAR + COMMON_QUEUE_SIZE, 2, size);
    put(BAR + COMMON_QUEUE_DESCRIPTORS, 4, descriptors);
    put(BAR + COMMON_QUEUE_DRIVER, 4, driver);
    put(BAR + COMMON_QUEUE_DEVICE, 4, device);
}

#endif
