/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_balloon.c core/vdev/virtio_balloon_map.c
 * core/vdev/virtio_net*.c drivers/net/tcp_segment.c core/vdev/virtio_pci.c core/vdev/virtio_rng.c
 * core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c core/vdev/vlapic_regs.c
 * core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c core/vdev/vpci_access.c
 * core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c core/vdev/vpit.c
 * core/vdev/vpm.c core/vdev/vrtc.c core/vdev/vrtc_time.c core/vdev/vuart.c mm/gmem.c mm/gmem_fill.c
 * mm/gmem_return.c mm/memmap.c mm/pmm.c mm/pmm_init.c mm/pmm_scrub.c mm/slat.c
 * tests/fakes/fake_board.c tests/fakes/fake_board_net.c tests/fakes/fake_timer.c
 * tests/fakes/arena.c tests/fakes/assert.c tests/fakes/log.c
 */
/* The balloon takes whole frames, once, and never more than a doorbell's worth, whatever the driver
 * says. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_balloon_map.h"
#include "core/vdev/virtio_regs.h"
#include "core/vm/vm_memory.h"
#include "mm/layout.h"
#include "mm/pte_store.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/slat_format.h"
#include "tests/unit/virtio_driver.h"

#define HOST_RAM (96 * MiB)
#define RAM      (32 * MiB)
#define ECAM     (GUEST_PCI_ECAM + (1u << 15))
#define SIZE     4u

/* The driver's side, in the guest's first frame. */
#define RINGS       0x10000u /* of queue 0; the next ones follow */
#define RINGS_BYTES 0x3000u
#define LIST        0x100000u

#define INFLATE 0u
#define DEFLATE 1u
#define REPORT  4u

#define DESC_WRITE 2u

void (*pte_store_hook)(void);

static u32 releases;
static u16 added[REPORT + 1];

void vm_memory_release(struct vm *vm, struct gmem_batch *batch)
{
    releases += batch->count != 0;
    gmem_release(&vm->gmem, batch);
}

static void guest_write(u64 at, const void *src, size_t bytes)
{
    CHECK_EQ(gmem_write(&board.vm.gmem, gpa(at), src, bytes), 0);
}

static u64 resident(void)
{
    struct gmem_stats stats;

    gmem_get_stats(&board.vm.gmem, &stats);
    return stats.resident_bytes;
}

static void start(void)
{
    accept(VIRTIO_F_VERSION_1);
    CHECK_EQ(gmem_zero(&board.vm.gmem, gpa(RINGS), 5 * RINGS_BYTES), 0);
    for (u16 q = 0; q <= REPORT; q++) {
        u64 at = RINGS + q * RINGS_BYTES;

        place_queue(q, SIZE, at, at + 0x1000, at + 0x2000);
        put(BAR + COMMON_QUEUE_ENABLE, 2, 1);
    }
    put(BAR + COMMON_STATUS, 1, 0xf);
    memset(added, 0, sizeof(added));
    releases = 0;
}

static void setup(void)
{
    static bool is_done;
    struct memmap map = {.count = 1, .ranges = {{0x100000, HOST_RAM}}};

    if (!is_done) {
        arena_init(HOST_RAM);
        CHECK_EQ(pmm_init(&map), 0);
        is_done = true;
    }
    board_init(&board, 1);
    CHECK_EQ(slat_init(&board.vm.slat, &fake_format), 0);
    CHECK_EQ(gmem_init(&board.vm.gmem, RAM), 0);
    CHECK_EQ(gmem_populate(&board.vm.gmem, &board.vm.slat, gpa(0), RAM), 0);
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    CHECK_EQ(vpci_create(&board.vm, 0x400000000), 0);
    CHECK_EQ(virtio_balloon_create(&board.vm, RAM, 6 * MiB), 0);
    put(ECAM + PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    start();
}

static void teardown(void)
{
    gmem_fini(&board.vm.gmem);
    slat_fini(&board.vm.slat);
    board_fini(&board);
}

/* One chain of one buffer, and the doorbell. */
static void give(u16 queue, u64 address, u32 bytes, u16 flags)
{
    struct {
        u64 address;
        u32 bytes;
        u16 flags, next;
    } d = {address, bytes, flags, 0};
    u64 at = RINGS + queue * RINGS_BYTES;
    u16 used = 0, zero = 0;

    guest_write(at, &d, sizeof(d));
    guest_write(at + 0x1000 + 4 + added[queue] % SIZE * 2u, &zero, 2);
    added[queue]++;
    guest_write(at + 0x1000 + 2, &added[queue], 2);
    put(NOTIFY + 4u * queue, 2, queue);
    CHECK_EQ(gmem_read(&board.vm.gmem, gpa(at + 0x2000 + 2), &used, 2), 0);
    CHECK_EQ(used, added[queue]);
}

static void move(u16 queue, u32 first, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        u32 page = first + i;

        guest_write(LIST + 4ull * i, &page, 4);
    }
    give(queue, LIST, 4 * count, 0);
}

TEST(the_map_knows_whole_frames)
{
    u64 words[16] = {0};
    struct balloon_map map = {words, 1024};

    for (u32 i = 0; i < 511; i++) {
        CHECK(!balloon_map_add(&map, 512 + i * 3 % 511));
        CHECK(!balloon_map_add(&map, 512 + i * 3 % 511));
    }
    CHECK(!balloon_map_add(&map, 1024));
    CHECK(!balloon_map_add(&map, ~0ull));
    CHECK(balloon_map_add(&map, 1023));
    CHECK(!balloon_map_add(&map, 1023));
    balloon_map_remove(&map, 700);
    balloon_map_remove(&map, 700);
    balloon_map_remove(&map, 1024);
    balloon_map_remove(&map, 3);
    CHECK(balloon_map_add(&map, 700));
    CHECK_EQ(words[0], 0);
    CHECK_EQ(balloon_map_bytes(1024), sizeof(words));
}

TEST(whole_frames_leave)
{
    setup();
    move(INFLATE, 4 * 512, 511);
    CHECK_EQ(resident(), RAM);
    move(INFLATE, 4 * 512 + 511, 1);
    CHECK_EQ(resident(), RAM - 2 * MiB);
    CHECK_EQ(releases, 1);
    move(INFLATE, 4 * 512, 512); /* again */
    CHECK_EQ(resident(), RAM - 2 * MiB);
    move(DEFLATE, 4 * 512, 1); /* touching it brings it back, saying so does not */
    CHECK_EQ(resident(), RAM - 2 * MiB);
    guest_write(8 * MiB, "x", 1);
    CHECK_EQ(resident(), RAM);
    move(INFLATE, 4 * 512, 1);
    CHECK_EQ(resident(), RAM - 2 * MiB);
    start(); /* a driver that begins anew has nothing in its balloon */
    guest_write(8 * MiB, "x", 1);
    move(INFLATE, 4 * 512, 511);
    CHECK_EQ(resident(), RAM);
    teardown();
}

TEST(free_pages_leave_by_frames)
{
    setup();
    give(REPORT, 4 * MiB, 4 * MiB, DESC_WRITE);
    CHECK_EQ(resident(), RAM - 4 * MiB);
    CHECK_EQ(releases, 1);
    give(REPORT, 8 * MiB + 4096, 4 * MiB, DESC_WRITE); /* one whole frame in it */
    CHECK_EQ(resident(), RAM - 6 * MiB);
    give(REPORT, 12 * MiB + 4096, 2 * MiB, DESC_WRITE); /* none */
    give(REPORT, 4 * MiB, 4 * MiB, DESC_WRITE);         /* gone already */
    give(REPORT, 14 * MiB, 2 * MiB, 0);                 /* not to be written: no report */
    CHECK_EQ(resident(), RAM - 6 * MiB);
    give(2, 14 * MiB, 2 * MiB, DESC_WRITE); /* as old drivers number it */
    CHECK_EQ(resident(), RAM - 8 * MiB);
    teardown();
}

TEST(nonsense_is_left_alone)
{
    static const u32 pages[] = {RAM / PAGE_SIZE, 0xc0000, 0xe0000, 0xfee00, ~0u, 0x80000000};

    setup();
    guest_write(LIST, pages, sizeof(pages));
    give(INFLATE, LIST, sizeof(pages), 0);
    give(DEFLATE, LIST, sizeof(pages), 0);
    give(INFLATE, LIST, 3, 0);           /* no whole number */
    give(INFLATE, LIST, 64, DESC_WRITE); /* nothing to read */
    give(INFLATE, 0, 16 * MiB, 0);       /* more than a list may hold: its beginning counts */
    CHECK_EQ(resident(), RAM);
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0xf);
    teardown();
}

TEST(configuration)
{
    setup();
    CHECK_EQ(get(CONFIG, 4), 6 * MiB / PAGE_SIZE);
    CHECK_EQ(get(CONFIG + 4, 4), 0);
    put(CONFIG + 4, 4, 77); /* the driver's own figure; nothing here believes it */
    CHECK_EQ(get(CONFIG + 4, 4), 77);
    put(CONFIG, 4, 99);
    put(CONFIG + 2, 4, ~0u);
    put(CONFIG + 8, 4, 99);
    CHECK_EQ(get(CONFIG, 4), 6 * MiB / PAGE_SIZE);
    CHECK_EQ(get(CONFIG + 8, 4), 0);
    virtio_balloon_set(&board.vm, 8 * MiB);
    CHECK_EQ(get(CONFIG, 4), 8 * MiB / PAGE_SIZE);
    virtio_balloon_set(&board.vm, 0);
    CHECK_EQ(get(CONFIG, 4), 0);
    teardown();
}
