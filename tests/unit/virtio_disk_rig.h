/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated disk in a machine of fakes: its volume, which answers at once or when told to, and
 * its driver. */
#ifndef SOCLE_TESTS_VIRTIO_DISK_RIG_H
#define SOCLE_TESTS_VIRTIO_DISK_RIG_H

#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio_blk_impl.h"
#include "core/vdev/virtio_regs.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/fakes/fake_timer.h"
#include "tests/unit/virtio_driver.h"

#define SLOT 1u
#define SIZE 128u

/* Descriptors, driver's ring, device's ring; then headers and buffers. */
#define DESCRIPTORS 0x0u
#define DRIVER      0x800u
#define DEVICE      0xa00u
#define HEADER      0x1000u
#define STATUS      0x1100u
#define DATA        0x1200u

#define T_IN           0u
#define T_OUT          1u
#define T_FLUSH        4u
#define T_GET_ID       8u
#define T_DISCARD      11u
#define T_WRITE_ZEROES 13u

#define SECTORS 64u

static struct vblk *blk;
static u16 added, descriptors;

/* -- a volume of 32 KiB that answers at once, or when told to -- */
static u8 disk[SECTORS * 512];
static bool answers_later;
static int error;
static struct volume_req *held[128];
static u32 held_count;
static enum blk_op last_op;
static u32 ops, flushes, last_segs;
static struct volume volume;

static inline void carry_out(struct volume_req *req)
{
    u8 *at = disk + req->lba * volume.block_bytes;

    req->status = error;
    for (u32 i = 0; i < req->seg_count && error == 0; i++) {
        u8 *memory = (u8 *)(uintptr_t)req->segs[i].address.v;

        if (req->op == BLK_WRITE)
            memcpy(at, memory, req->segs[i].bytes);
        else
            memcpy(memory, at, req->segs[i].bytes);
        at += req->segs[i].bytes;
    }
    if (req->op == BLK_WRITE_ZEROES || req->op == BLK_DISCARD)
        memset(at, 0, req->blocks * volume.block_bytes);
}

static inline bool submit(struct volume *v, struct volume_req *req)
{
    (void)v;
    last_op = req->op;
    last_segs = req->seg_count;
    ops++;
    flushes += req->op == BLK_FLUSH;
    if (answers_later) {
        held[held_count++] = req;
        return false;
    }
    carry_out(req);
    return true;
}

static inline void answer(void)
{
    struct volume_req *req = held[0];

    memmove(held, held + 1, --held_count * sizeof(held[0]));
    carry_out(req);
    req->done(req);
}

static const struct volume_ops volume_ops = {.submit = submit};

/* -- the driver -- */
static inline void start(u64 features)
{
    accept(features | VIRTIO_F_VERSION_1);
    place_queue(0, SIZE, DESCRIPTORS, DRIVER, DEVICE);
    put(BAR + COMMON_QUEUE_ENABLE, 2, 1);
    put(BAR + COMMON_STATUS, 1, 0xf);
    memset(fake_ram + DRIVER, 0, 4);
    memset(fake_ram + DEVICE, 0, 4);
    added = descriptors = 0;
}

static inline void setup_with(const struct virtio_blk_config *cfg)
{
    board_init(&board, 1);
    fake_gmem_init(0);
    fake_gmem_pins = fake_task_wakes = 0;
    fake_gmem_gap = 0;
    answers_later = false;
    error = 0;
    held_count = ops = flushes = 0;
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    CHECK_EQ(vpci_create(&board.vm, 0x400000000), 0);
    CHECK_EQ(virtio_blk_create(&board.vm, cfg), 0);
    blk = container_of(board.vm.devices, struct vblk, virtio.dev);
    put(GUEST_PCI_ECAM + (SLOT << 15) + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    start(BLK_F_FLUSH);
}

static inline void setup(void)
{
    const struct virtio_blk_config cfg = {
        .id = "root", .serial = "S123", .volume = &volume, .can_discard = true};

    for (u32 i = 0; i < sizeof(disk); i++)
        disk[i] = (u8)(i / 512 + 1);
    volume = (struct volume){.ops = &volume_ops,
                             .block_bytes = 512,
                             .block_count = SECTORS,
                             .has_write_cache = true,
                             .can_discard = true,
                             .discard_bytes = 4096,
                             .can_write_zeroes = true};
    setup_with(&cfg);
}

static inline void answer_all(void)
{
    while (held_count > 0)
        answer();
}

static inline void teardown(void)
{
    fake_task_on_wait = answer_all;
    board_fini(&board);
    CHECK_EQ(fake_gmem_pins, 0);
}

/* One buffer more of the chain that is being made. */
static inline void buffer(u64 address, u32 bytes, bool is_writable, bool is_last)
{
    u32 index = descriptors++ % SIZE;
    const u32 flags = (is_writable ? 2u : 0) | (is_last ? 0 : 1u) | ((index + 1) % SIZE) << 16;
    const u32 descriptor[4] = {(u32)address, (u32)(address >> 32), bytes, flags};

    memcpy(fake_ram + DESCRIPTORS + 16 * index, descriptor, sizeof(descriptor));
}

static inline void add(u16 head)
{
    memcpy(fake_ram + DRIVER + 4 + 2 * (added % SIZE), &head, 2);
    added++;
    memcpy(fake_ram + DRIVER + 2, &added, 2);
}

static inline void ring(void)
{
    put(NOTIFY, 2, 0);
}

static inline u16 used(void)
{
    u16 index;

    memcpy(&index, fake_ram + DEVICE + 2, 2);
    return index;
}

static inline u32 used_bytes(void)
{
    u32 bytes;

    memcpy(&bytes, fake_ram + DEVICE + 4 + 8 * ((used() - 1u) % SIZE) + 4, 4);
    return bytes;
}

static inline void header(u32 type, u64 sector)
{
    const u32 words[4] = {type, 0, (u32)sector, (u32)(sector >> 32)};

    memcpy(fake_ram + HEADER, words, sizeof(words));
    fake_ram[STATUS] = 0xee;
}

/* A request with one buffer of data (or none). Return: its status. */
static inline u8 request(u32 type, u64 sector, u32 bytes)
{
    bool is_in = type == T_IN || type == T_GET_ID;
    u16 head = descriptors % SIZE, before = used();

    header(type, sector);
    buffer(HEADER, 16, false, false);
    if (bytes > 0)
        buffer(DATA, bytes, is_in, false);
    buffer(STATUS, 1, true, true);
    add(head);
    ring();
    CHECK(answers_later || used() == (u16)(before + 1));
    return fake_ram[STATUS];
}

#endif
