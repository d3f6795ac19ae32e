/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_blk.c core/vdev/virtio_blk_request.c core/vdev/virtio_pci.c
 * core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c core/vdev/vlapic_regs.c
 * core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c core/vdev/vpci_access.c
 * core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c core/vdev/vpm.c
 * drivers/block/blk_segs.c drivers/block/volume.c drivers/net/net_limit.c tests/fakes/arena.c
 * tests/fakes/fake_board.c tests/fakes/fake_gmem.c tests/fakes/fake_timer.c tests/fakes/assert.c
 */
/* The emulated disk: requests of every kind, memory in pieces, answers that take time, limits, and
 * drivers that break each rule. */
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

#define SLOT   1u
#define BAR    GUEST_PCI_MEM32
#define CONFIG (BAR + 0x200)
#define NOTIFY (BAR + 0x1000)
#define SIZE   128u

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

static struct board board;
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

static void carry_out(struct volume_req *req)
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

static bool submit(struct volume *v, struct volume_req *req)
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

static void answer(void)
{
    struct volume_req *req = held[0];

    memmove(held, held + 1, --held_count * sizeof(held[0]));
    carry_out(req);
    req->done(req);
}

static const struct volume_ops volume_ops = {.submit = submit};

/* -- the driver -- */
static void put(u64 at, unsigned size, u64 value)
{
    (void)bus_write(&board.vm.mmio, at, size, value);
}

static u64 get(u64 at, unsigned size)
{
    u64 value;

    (void)bus_read(&board.vm.mmio, at, size, &value);
    return value;
}

static void start(u64 features)
{
    put(BAR + COMMON_STATUS, 1, 0);
    put(BAR + COMMON_STATUS, 1, 3);
    put(BAR + COMMON_ACCEPTED_SELECT, 4, 0);
    put(BAR + COMMON_ACCEPTED, 4, features);
    put(BAR + COMMON_ACCEPTED_SELECT, 4, 1);
    put(BAR + COMMON_ACCEPTED, 4, 1);
    put(BAR + COMMON_STATUS, 1, 0xb);
    put(BAR + COMMON_QUEUE_SELECT, 2, 0);
    put(BAR + COMMON_QUEUE_SIZE, 2, SIZE);
    put(BAR + COMMON_QUEUE_DESCRIPTORS, 4, DESCRIPTORS);
    put(BAR + COMMON_QUEUE_DRIVER, 4, DRIVER);
    put(BAR + COMMON_QUEUE_DEVICE, 4, DEVICE);
    put(BAR + COMMON_QUEUE_ENABLE, 2, 1);
    put(BAR + COMMON_STATUS, 1, 0xf);
    memset(fake_ram + DRIVER, 0, 4);
    memset(fake_ram + DEVICE, 0, 4);
    added = descriptors = 0;
}

static void setup_with(const struct virtio_blk_config *cfg)
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

static void setup(void)
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

static void answer_all(void)
{
    while (held_count > 0)
        answer();
}

static void teardown(void)
{
    fake_task_on_wait = answer_all;
    board_fini(&board);
    CHECK_EQ(fake_gmem_pins, 0);
}

/* One buffer more of the chain that is being made. */
static void buffer(u64 address, u32 bytes, bool is_writable, bool is_last)
{
    u32 index = descriptors++ % SIZE;
    const u32 flags = (is_writable ? 2u : 0) | (is_last ? 0 : 1u) | ((index + 1) % SIZE) << 16;
    const u32 descriptor[4] = {(u32)address, (u32)(address >> 32), bytes, flags};

    memcpy(fake_ram + DESCRIPTORS + 16 * index, descriptor, sizeof(descriptor));
}

static void add(u16 head)
{
    memcpy(fake_ram + DRIVER + 4 + 2 * (added % SIZE), &head, 2);
    added++;
    memcpy(fake_ram + DRIVER + 2, &added, 2);
}

static void ring(void)
{
    put(NOTIFY, 2, 0);
}

static u16 used(void)
{
    u16 index;

    memcpy(&index, fake_ram + DEVICE + 2, 2);
    return index;
}

static u32 used_bytes(void)
{
    u32 bytes;

    memcpy(&bytes, fake_ram + DEVICE + 4 + 8 * ((used() - 1u) % SIZE) + 4, 4);
    return bytes;
}

static void header(u32 type, u64 sector)
{
    const u32 words[4] = {type, 0, (u32)sector, (u32)(sector >> 32)};

    memcpy(fake_ram + HEADER, words, sizeof(words));
    fake_ram[STATUS] = 0xee;
}

/* A request with one buffer of data (or none). Return: its status. */
static u8 request(u32 type, u64 sector, u32 bytes)
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

static bool all(const u8 *at, u32 bytes, u8 value)
{
    for (u32 i = 0; i < bytes; i++) {
        if (at[i] != value)
            return false;
    }
    return true;
}

static void range(u32 index, u64 sector, u32 sectors, u32 flags)
{
    const u32 words[4] = {(u32)sector, (u32)(sector >> 32), sectors, flags};

    memcpy(fake_ram + DATA + 16 * index, words, sizeof(words));
}

TEST(configuration)
{
    struct virtio_blk_config cfg;

    setup();
    CHECK_EQ(get(CONFIG, 4), SECTORS);
    CHECK_EQ(get(CONFIG + 8, 4), BLK_SIZE_MAX);
    CHECK_EQ(get(CONFIG + 12, 4), BLK_SEG_MAX);
    CHECK_EQ(get(CONFIG + 20, 4), 512);
    CHECK_EQ(get(CONFIG + 34, 2), 1);
    CHECK_EQ(get(CONFIG + 44, 4), 8);
    CHECK(blk->model.features & BLK_F_DISCARD);
    CHECK(!(blk->model.features & (BLK_F_RO | BLK_F_MQ)));
    volume.block_count = 2 * SECTORS;
    virtio_blk_resize(&board.vm, &volume);
    CHECK_EQ(get(CONFIG, 4), 2 * SECTORS);
    CHECK(virtio_blk_stats(&board.vm, "root") == &blk->stats);
    CHECK(virtio_blk_stats(&board.vm, "data") == NULL);
    cfg = blk->cfg;
    cfg.can_discard = false;
    cfg.is_read_only = false;
    teardown();
    setup_with(&cfg);
    CHECK(!(blk->model.features & BLK_F_DISCARD));
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_UNSUPP);
    teardown();
}

TEST(reads_and_writes)
{
    setup();
    CHECK_EQ(request(T_IN, 3, 1024), BLK_S_OK);
    CHECK_EQ(used_bytes(), 1025);
    CHECK(all(fake_ram + DATA, 512, 4) && all(fake_ram + DATA + 512, 512, 5));
    memset(fake_ram + DATA, 0x77, 1024);
    CHECK_EQ(request(T_OUT, 10, 1024), BLK_S_OK);
    CHECK_EQ(used_bytes(), 1);
    CHECK(all(disk + 10 * 512, 1024, 0x77) && disk[12 * 512] == 13 && disk[10 * 512 - 1] == 10);
    CHECK_EQ(fake_gmem_pins, 0);
    CHECK_EQ(request(T_FLUSH, 0, 0), BLK_S_OK);
    CHECK_EQ(flushes, 1);
    CHECK_EQ(blk->stats.requests[BLK_READ], 1);
    CHECK_EQ(blk->stats.bytes[BLK_READ], 1024);
    CHECK_EQ(blk->stats.bytes[BLK_WRITE], 1024);
    CHECK_EQ(blk->stats.requests[BLK_FLUSH], 1);
    CHECK_EQ(blk->stats.errors, 0);
    teardown();
}

TEST(without_the_flush_feature_writes_are_safe_when_done)
{
    setup();
    start(0);
    CHECK_EQ(request(T_OUT, 0, 512), BLK_S_OK);
    CHECK_EQ(flushes, 1);
    CHECK_EQ(request(T_IN, 0, 512), BLK_S_OK);
    CHECK_EQ(flushes, 1);
    volume.has_write_cache = false;
    CHECK_EQ(request(T_OUT, 0, 512), BLK_S_OK);
    CHECK_EQ(flushes, 1);
    teardown();
}

TEST(serial)
{
    setup();
    CHECK_EQ(request(T_GET_ID, 0, 20), BLK_S_OK);
    CHECK(memcmp(fake_ram + DATA, "S123\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20) == 0);
    CHECK_EQ(request(T_GET_ID, 0, 19), BLK_S_IOERR);
    CHECK_EQ(request(T_GET_ID, 0, 21), BLK_S_IOERR);
    CHECK_EQ(ops, 0);
    teardown();
}

TEST(sectors_and_lengths_are_checked)
{
    setup();
    CHECK_EQ(request(T_IN, SECTORS, 512), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, SECTORS - 1, 1024), BLK_S_IOERR);
    CHECK_EQ(request(T_OUT, ~0ull, 1024), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, 0, 511), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, 0, 0), BLK_S_IOERR);
    CHECK_EQ(request(T_OUT, 0, 0), BLK_S_IOERR);
    CHECK_EQ(request(2, 0, 512), BLK_S_UNSUPP);
    CHECK_EQ(request(~0u, 0, 512), BLK_S_UNSUPP);
    CHECK_EQ(ops, 0);
    CHECK_EQ(blk->stats.errors, 8);
    volume.block_bytes = 4096;
    volume.block_count = SECTORS / 8;
    CHECK_EQ(request(T_IN, 1, 4096), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, 0, 512), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, SECTORS, 4096), BLK_S_IOERR);
    CHECK_EQ(request(T_IN, 8, 4096), BLK_S_OK);
    CHECK(all(fake_ram + DATA, 512, 9));
    teardown();
}

/* Answers without moving data: the fake's addresses in the upper half are none. */
static void answer_dry(void)
{
    struct volume_req *req = held[--held_count];

    req->status = 0;
    req->done(req);
}

TEST(long_requests_go_in_rounds)
{
    u32 buffers = BLK_SEG_MAX;

    setup();
    answers_later = true;
    volume.block_count = 1u << 20;
    fake_gmem_gap = 1u << 20; /* memory in the middle is in two pieces */
    header(T_IN, 100);
    buffer(HEADER, 16, false, false);
    for (u32 i = 0; i < buffers; i++)
        buffer(FAKE_RAM_BYTES / 2 - 512, 1024, true, false);
    buffer(STATUS, 1, true, true);
    add(0);
    ring();
    CHECK_EQ(last_segs, BLK_PIECES);
    CHECK_EQ(held[0]->lba, 100);
    CHECK_EQ(held[0]->blocks, BLK_PIECES);
    CHECK_EQ(fake_gmem_pins, buffers);
    answer_dry();
    CHECK_EQ(held_count, 1);
    CHECK_EQ(held[0]->lba, 100 + BLK_PIECES);
    CHECK_EQ(held[0]->blocks, 2 * buffers - BLK_PIECES);
    answer_dry();
    CHECK_EQ(held_count, 0);
    CHECK_EQ(used(), 1);
    CHECK_EQ(used_bytes(), 1024 * buffers + 1);
    CHECK_EQ(fake_gmem_pins, 0);
    CHECK_EQ(blk->stats.bytes[BLK_READ], 1024 * buffers);
    teardown();
}

/* A block that lies in two pieces of host memory takes the way over a buffer. */
TEST(torn_blocks)
{
    setup();
    fake_gmem_gap = 1u << 20;
    header(T_IN, 5);
    buffer(HEADER, 16, false, false);
    buffer(FAKE_RAM_BYTES / 2 - 100, 1024, true, false);
    buffer(STATUS, 1, true, true);
    add(0);
    ring();
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    CHECK_EQ(last_segs, 1);
    CHECK(all(fake_ram + FAKE_RAM_BYTES / 2 - 100, 512, 6));
    CHECK(all(fake_ram + FAKE_RAM_BYTES / 2 + 412, 512, 7));
    teardown();
}

TEST(memory_in_pieces)
{
    setup();
    header(T_IN, 0);
    buffer(HEADER, 16, false, false);
    buffer(DATA, 512, true, false);
    buffer(DATA + 0x800, 1024, true, false);
    buffer(STATUS, 1, true, true);
    add(0);
    ring();
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    CHECK_EQ(last_segs, 2);
    CHECK(fake_ram[DATA] == 1 && fake_ram[DATA + 0x800] == 2 && fake_ram[DATA + 0xbff] == 3);
    CHECK_EQ(used_bytes(), 512 + 1024 + 1);

    header(T_OUT, 20); /* pieces that follow one another are one */
    buffer(HEADER, 16, false, false);
    buffer(DATA, 512, false, false);
    buffer(DATA + 512, 512, false, false);
    buffer(STATUS, 1, true, true);
    add(4);
    ring();
    CHECK_EQ(last_segs, 1);
    CHECK_EQ(ops, 2);
    teardown();
}

/* Header and data in one buffer, data and status in another; sizes that are no blocks. */
TEST(any_framing)
{
    setup();
    header(T_OUT, 7);
    memcpy(fake_ram + DATA, fake_ram + HEADER, 16);
    memset(fake_ram + DATA + 16, 0x31, 500);
    memset(fake_ram + DATA + 0x400, 0x32, 12);
    buffer(DATA, 16 + 500, false, false);
    buffer(DATA + 0x400, 12, false, false);
    buffer(STATUS, 1, true, true);
    add(0);
    ring();
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    CHECK(all(disk + 7 * 512, 500, 0x31) && all(disk + 7 * 512 + 500, 12, 0x32));

    header(T_IN, 7);
    buffer(HEADER, 5, false, false);
    buffer(HEADER + 5, 11, false, false);
    buffer(DATA + 1, 512 + 1, true, true); /* odd, and the status behind the data */
    add(3);
    ring();
    CHECK_EQ(used(), 2);
    CHECK_EQ(fake_ram[DATA + 513], BLK_S_OK);
    CHECK(all(fake_ram + DATA + 1, 500, 0x31) && all(fake_ram + DATA + 501, 12, 0x32));
    CHECK_EQ(used_bytes(), 513);
    CHECK_EQ(ops, 2);
    teardown();
}

TEST(chains_that_are_no_requests)
{
    setup();
    header(T_IN, 0);
    buffer(HEADER, 16, false, true); /* nowhere to say how it went */
    add(0);
    ring();
    CHECK_EQ(used(), 1);
    CHECK_EQ(used_bytes(), 0);
    buffer(HEADER, 15, false, false);
    buffer(STATUS, 1, true, true);
    add(1);
    ring();
    CHECK_EQ(used(), 2);
    CHECK_EQ(fake_ram[STATUS], BLK_S_IOERR);
    buffer(DATA, 512, true, true); /* no header at all */
    add(3);
    ring();
    CHECK_EQ(used(), 3);
    CHECK_EQ(fake_ram[DATA + 511], BLK_S_IOERR);
    CHECK_EQ(ops, 0);
    CHECK_EQ(request(T_IN, 0, 512), BLK_S_OK);
    teardown();
}

TEST(ranges)
{
    setup();
    range(0, 8, 8, 0);
    range(1, 32, 1, 0);
    CHECK_EQ(request(T_DISCARD, 0, 32), BLK_S_OK);
    CHECK_EQ(ops, 2);
    CHECK(all(disk + 8 * 512, 8 * 512, 0) && all(disk + 32 * 512, 512, 0) && disk[33 * 512] == 34);
    range(0, 0, 1, 1); /* may unmap */
    CHECK_EQ(request(T_WRITE_ZEROES, 0, 16), BLK_S_OK);
    CHECK_EQ(last_op, BLK_WRITE_ZEROES);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_UNSUPP);
    range(0, 0, 1, 2);
    CHECK_EQ(request(T_WRITE_ZEROES, 0, 16), BLK_S_UNSUPP);
    range(0, SECTORS - 1, 2, 0);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_IOERR);
    range(0, ~0ull, 2, 0);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_IOERR);
    range(0, 0, 0, 0);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_IOERR);
    CHECK_EQ(request(T_DISCARD, 0, 0), BLK_S_IOERR);
    CHECK_EQ(request(T_DISCARD, 0, 15), BLK_S_IOERR);
    CHECK_EQ(request(T_DISCARD, 0, 17 * 16), BLK_S_IOERR);
    CHECK_EQ(ops, 3);
    volume.block_count = 1u << 30;
    range(0, 0, BLK_RANGE_MAX + 1, 0);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_IOERR);
    teardown();
}

TEST(read_only)
{
    struct virtio_blk_config cfg;

    setup();
    cfg = blk->cfg;
    cfg.is_read_only = true;
    teardown();
    setup_with(&cfg);
    CHECK(blk->model.features & BLK_F_RO);
    CHECK_EQ(request(T_IN, 0, 512), BLK_S_OK);
    CHECK_EQ(request(T_FLUSH, 0, 0), BLK_S_OK);
    ops = 0;
    CHECK_EQ(request(T_OUT, 0, 512), BLK_S_IOERR);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_UNSUPP);
    CHECK_EQ(request(T_WRITE_ZEROES, 0, 16), BLK_S_UNSUPP);
    CHECK_EQ(ops, 0);
    teardown();
}

TEST(errors_reach_the_guest)
{
    static const int errors[] = {-EIO, -ETIMEDOUT, -ENODEV, -ENOSPC, -EPERM};

    setup();
    for (u32 i = 0; i < ARRAY_SIZE(errors); i++) {
        error = errors[i];
        CHECK_EQ(request(T_IN, 0, 512), BLK_S_IOERR);
        CHECK_EQ(request(T_OUT, 0, 512), BLK_S_IOERR);
        CHECK_EQ(request(T_FLUSH, 0, 0), BLK_S_IOERR);
    }
    error = -EOPNOTSUPP;
    range(0, 0, 1, 0);
    CHECK_EQ(request(T_DISCARD, 0, 16), BLK_S_UNSUPP);
    CHECK_EQ(blk->stats.errors, 16);
    CHECK_EQ(fake_gmem_pins, 0);
    teardown();
}

TEST(answers_that_take_time)
{
    setup();
    answers_later = true;
    CHECK_EQ(request(T_IN, 3, 512), 0xee);
    CHECK_EQ(used(), 0);
    CHECK_EQ(fake_gmem_pins, 1); /* the memory stays where it is */
    answer();
    CHECK_EQ(used(), 1);
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    CHECK_EQ(fake_ram[DATA], 4);
    CHECK_EQ(fake_gmem_pins, 0);
    CHECK_EQ(blk->virtio.lent, 0);
    start(0); /* write through: two requests, one after the other */
    (void)request(T_OUT, 0, 512);
    CHECK_EQ(held_count, 1);
    answer();
    CHECK_EQ(held_count, 1);
    CHECK_EQ(last_op, BLK_FLUSH);
    CHECK_EQ(used(), 0);
    answer();
    CHECK_EQ(used(), 1);
    teardown();
}

/* A reset is over when the disk no longer uses the guest's memory. */
TEST(reset_with_requests_in_flight)
{
    setup();
    answers_later = true;
    (void)request(T_IN, 3, 512);
    put(BAR + COMMON_STATUS, 1, 0);
    CHECK(get(BAR + COMMON_STATUS, 1) != 0);
    answer();
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0);
    CHECK_EQ(used(), 0); /* nothing came back */
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    start(0);
    (void)request(T_IN, 0, 512);
    answer();
    CHECK_EQ(used(), 1);
    teardown();
}

TEST(the_end_waits_for_what_is_in_flight)
{
    setup();
    answers_later = true;
    (void)request(T_IN, 3, 512);
    (void)request(T_OUT, 3, 512);
    teardown();
    CHECK_EQ(held_count, 0);
}

static void end_task(void)
{
    blk->is_ending = true;
}

/* What the device's task does until it waits. */
static void run_task(void)
{
    fake_task_on_wait = end_task;
    blk->task.entry(blk->task.arg);
    blk->is_ending = false;
}

static void flush_request(void)
{
    u16 head = descriptors % SIZE;

    buffer(HEADER, 16, false, false);
    buffer(STATUS, 1, true, true);
    add(head);
}

TEST(so_many_in_flight_and_no_more)
{
    setup();
    answers_later = true;
    header(T_FLUSH, 0);
    for (u32 i = 0; i < BLK_IN_FLIGHT_MAX; i++)
        flush_request();
    ring();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    descriptors = 0; /* the first ones' places are free: the device has read them */
    flush_request();
    flush_request();
    ring();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    fake_task_wakes = 0;
    answer();
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    answer();
    run_task();
    CHECK_EQ(held_count, BLK_IN_FLIGHT_MAX);
    answer_all();
    CHECK_EQ(used(), BLK_IN_FLIGHT_MAX + 2);
    teardown();
}

/* A slot made to look for chains, and given back for there are none, wakes nobody: the task, which
 * looks by itself, would never sleep. */
TEST(nothing_to_do_while_others_are_in_flight)
{
    setup();
    answers_later = true;
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 5; i++)
        flush_request();
    ring();
    CHECK_EQ(held_count, 5);
    fake_task_wakes = 0;
    for (u32 i = 0; i < 4; i++)
        ring();
    for (u32 i = 0; i < 3; i++)
        run_task();
    CHECK_EQ(fake_task_wakes, 0);
    answer_all();
    CHECK_EQ(fake_task_wakes, 0);
    CHECK_EQ(used(), 5);
    teardown();
}

TEST(a_doorbell_does_not_work_for_ever)
{
    setup();
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 64; i++)
        flush_request();
    descriptors = 0;
    for (u32 i = 0; i < 36; i++)
        flush_request();
    fake_task_wakes = 0;
    ring();
    CHECK_EQ(used(), 64);
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(used(), 100);
    teardown();
}

TEST(limits)
{
    struct virtio_blk_config cfg;

    setup();
    cfg = blk->cfg;
    cfg.limits = (struct net_limits){.frames_per_s = 100};
    teardown();
    setup_with(&cfg);
    header(T_FLUSH, 0);
    for (u32 i = 0; i < 20; i++)
        flush_request();
    ring();
    CHECK_EQ(used(), 10); /* a tenth of a second's worth */
    fake_task_wakes = 0;
    fake_time_advance(50 * NS_PER_MS);
    CHECK_EQ(fake_task_wakes, 1);
    run_task();
    CHECK_EQ(used(), 15);
    fake_time_advance(NS_PER_S);
    run_task();
    CHECK_EQ(used(), 20);
    cfg.limits = (struct net_limits){.bytes_per_s = 51200, .burst_bytes = 5120};
    teardown();
    setup_with(&cfg);
    (void)request(T_IN, 0, 0x2000); /* more than was saved up, but it was not empty */
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    flush_request();
    ring();
    CHECK_EQ(used(), 1);
    fake_time_advance(100 * NS_PER_MS);
    run_task();
    CHECK_EQ(used(), 2);
    teardown();
}

TEST(no_memory_behind_the_guests)
{
    setup();
    header(T_IN, 0);
    buffer(HEADER, 16, false, false);
    buffer(FAKE_RAM_BYTES - 256, 512, true, false); /* beyond RAM: the ring is broken */
    buffer(STATUS, 1, true, true);
    add(0);
    ring();
    CHECK_EQ(used(), 0);
    CHECK(get(BAR + COMMON_STATUS, 1) & VIRTIO_STATUS_NEEDS_RESET);
    CHECK_EQ(ops, 0);
    teardown();
}

TEST(taken_off_while_a_request_is_in_flight)
{
    struct vdev *dev = NULL;

    setup();
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), SLOT);
    answers_later = true;
    (void)request(T_IN, 3, 512);
    CHECK_EQ(held_count, 1);
    dev = virtio_blk_unplug(&board.vm, SLOT);
    CHECK(dev == &blk->virtio.dev && board.vm.devices != dev);
    CHECK(virtio_blk_unplug(&board.vm, SLOT) == NULL);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), 0);
    CHECK_EQ(get(GUEST_PCI_ECAM + (SLOT << 15), 4), 0xffffffff);
    put(NOTIFY, 2, 0); /* nobody is there */
    CHECK_EQ(held_count, 1);
    fake_task_on_wait = answer_all;
    dev->ops->fini(dev); /* waits for it */
    CHECK_EQ(held_count, 0);
    CHECK_EQ(used(), 0); /* its ring is not written any more */
    CHECK_EQ(fake_gmem_pins, 0);
    teardown();
}

TEST(a_disk_without_its_volume_fails_all_requests)
{
    struct virtio_blk_config cfg;
    u32 before;

    setup();
    cfg = blk->cfg;
    cfg.limits = (struct net_limits){.frames_per_s = 10};
    teardown();
    setup_with(&cfg);
    answers_later = true;
    (void)request(T_IN, 3, 512);
    fake_task_on_wait = answer_all;
    virtio_blk_kill(&board.vm, "root"); /* waits for it */
    CHECK_EQ(used(), 1);
    CHECK_EQ(fake_ram[STATUS], BLK_S_OK);
    before = ops;
    answers_later = false;
    for (u32 i = 0; i < 20; i++) /* the limit does not hold them up */
        CHECK_EQ(request(i % 2 ? T_IN : T_OUT, 0, 512), BLK_S_IOERR);
    CHECK_EQ(request(T_FLUSH, 0, 0), BLK_S_IOERR);
    CHECK_EQ(request(T_GET_ID, 0, 20), BLK_S_IOERR);
    CHECK_EQ(ops, before);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), 0); /* the name is free */
    CHECK(virtio_blk_stats(&board.vm, "root") == NULL);
    CHECK_EQ(virtio_blk_create(&board.vm, &cfg), 0);
    CHECK_EQ(virtio_blk_slot(&board.vm, "root"), SLOT + 1);
    virtio_blk_kill(&board.vm, "none");
    teardown();
}

TEST(no_slot_is_left)
{
    struct virtio_blk_config cfg;
    struct vdev *dev;
    int rc = 0;

    setup();
    cfg = blk->cfg;
    for (u32 i = SLOT + 1; i < GUEST_PCI_SLOTS; i++)
        CHECK_EQ(virtio_blk_create(&board.vm, &cfg), 0);
    memcpy(cfg.id, "more", sizeof("more"));
    rc = virtio_blk_create(&board.vm, &cfg);
    CHECK_EQ(rc, -ENOSPC);
    CHECK_EQ(virtio_blk_slot(&board.vm, "more"), 0);
    dev = virtio_blk_unplug(&board.vm, 0);
    CHECK(dev != NULL);
    dev->ops->fini(dev);
    teardown();
}
