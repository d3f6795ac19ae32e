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
/* The emulated disk: requests of every kind, memory in pieces, and drivers that break each rule. */
#include "tests/unit/virtio_disk_rig.h"

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
