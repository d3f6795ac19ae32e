/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/irqchip.c core/vdev/vconsole.c core/vdev/vioapic.c core/vdev/virq.c
 * core/vdev/virtio.c core/vdev/virtio_balloon.c core/vdev/virtio_balloon_map.c
 * core/vdev/virtio_net*.c drivers/net/tcp_segment.c core/vdev/virtio_pci.c core/vdev/virtio_rng.c
 * core/vdev/virtqueue.c core/vdev/vlapic.c core/vdev/vlapic_ipi.c core/vdev/vlapic_regs.c
 * core/vdev/vlapic_timer.c core/vdev/vmsi.c core/vdev/vpci.c core/vdev/vpci_access.c
 * core/vdev/vpci_hotplug.c core/vdev/vpci_config.c core/vdev/vpic.c core/vdev/vpit.c
 * core/vdev/vpm.c core/vdev/vrtc.c core/vdev/vrtc_time.c core/vdev/vuart.c tests/fakes/fake_board.c
 * tests/fakes/fake_board_net.c tests/fakes/fake_gmem.c tests/fakes/fake_timer.c
 * tests/fakes/assert.c
 */
/* The virtio transport: capabilities, negotiation, queues, doorbells, both kinds of interrupt. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virtio.h"
#include "core/vdev/virtio_regs.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/unit/virtio_driver.h"

#define SLOT   1u
#define ISR    (BAR + 0x100)
#define TABLE  (BAR + 0x2000)
#define QUEUES 2u
#define SIZE   4u

static struct virtio *dev;
static unsigned rings[QUEUES], resets;

static void on_notify(struct virtio *d, u16 queue)
{
    CHECK(d == dev);
    rings[queue]++;
}

static void on_reset(struct virtio *d)
{
    (void)d;
    resets++;
}

static void on_fini(struct virtio *d)
{
    virtio_fini(d);
    free(d);
}

static const struct virtio_ops ops = {.notify = on_notify, .reset = on_reset, .fini = on_fini};
static const struct virtio_model model = {
    .name = "test",
    .id = 42,
    .class_code = 0x078000,
    .features = BIT(3) | BIT(40),
    .queue_count = QUEUES,
    .queue_size = 16,
    .config_bytes = 10,
    .ops = &ops,
};

static u64 ecam(u32 reg)
{
    return GUEST_PCI_ECAM + (SLOT << 15) + reg;
}

static void setup(void)
{
    board_init(&board, 1);
    fake_gmem_init(0);
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    vlapic_mmio_write(board.vcpus[0].vlapic, APIC_SVR, 0x1ff);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    CHECK_EQ(vpci_create(&board.vm, 0x400000000), 0);
    dev = calloc(1, sizeof(*dev));
    CHECK_EQ(virtio_create(dev, &board.vm, &model), 0);
    memset(rings, 0, sizeof(rings));
    resets = 0;
    put(ecam(PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* The capability of that type, or 0. */
static u32 capability(u8 id, u8 type)
{
    u32 at = (u32)get(ecam(PCI_CAPABILITY_POINTER), 1);

    while (at && (get(ecam(at), 1) != id || (id == 9 && get(ecam(at + 3), 1) != type)))
        at = (u32)get(ecam(at + 1), 1);
    return at;
}

static void start(void)
{
    accept(VIRTIO_F_VERSION_1);
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0xb);
    place_queue(1, SIZE, 0x1000, 0x2000, 0x3000);
    put(BAR + COMMON_QUEUE_VECTOR, 2, 1);
    put(BAR + COMMON_QUEUE_ENABLE, 2, 1);
    put(BAR + COMMON_STATUS, 1, 0xf);
}

/* One chain of one writable buffer. */
static void add_chain(u16 nth)
{
    const u32 descriptor[4] = {0x800, 0, 16, 2};

    memcpy(fake_ram + 0x1000, descriptor, sizeof(descriptor));
    memcpy(fake_ram + 0x2002, &nth, 2);
}

static void complete(void)
{
    static struct virtq_chain chain;

    CHECK_EQ(virtio_pop(dev, 1, &chain), 0);
    virtio_push(dev, 1, &chain, 0);
    virtio_signal(dev, 1);
}

static int serve(void)
{
    int vector = board.vm.irqchip->pending(&board.vcpus[0]);

    if (vector >= 0) {
        board.vm.irqchip->acknowledge(&board.vcpus[0], (u8)vector);
        vlapic_mmio_write(board.vcpus[0].vlapic, APIC_EOI, 0);
    }
    return vector;
}

TEST(capabilities_say_where_things_are)
{
    u32 notify;

    setup();
    CHECK_EQ(get(ecam(0), 4), 0x106a1af4);
    CHECK_EQ(get(ecam(8), 1), 1);
    CHECK_EQ(get(ecam(capability(9, VIRTIO_CAP_COMMON) + 8), 4), 0);
    CHECK_EQ(get(ecam(capability(9, VIRTIO_CAP_COMMON) + 12), 4), 0x38);
    CHECK_EQ(get(ecam(capability(9, VIRTIO_CAP_ISR) + 8), 4), ISR - BAR);
    CHECK_EQ(get(ecam(capability(9, VIRTIO_CAP_DEVICE) + 8), 4), CONFIG - BAR);
    CHECK_EQ(get(ecam(capability(9, VIRTIO_CAP_DEVICE) + 12), 4), 10);
    notify = capability(9, VIRTIO_CAP_NOTIFY);
    CHECK_EQ(get(ecam(notify + 2), 1), 20);
    CHECK_EQ(get(ecam(notify + 8), 4), NOTIFY - BAR);
    CHECK_EQ(get(ecam(notify + 16), 4), 4);
    CHECK_EQ(get(ecam(capability(0x11, 0) + 2), 2), QUEUES);
    CHECK_EQ(get(ecam(capability(0x11, 0) + 4), 4), TABLE - BAR);
    board_fini(&board);
}

TEST(features)
{
    setup();
    put(BAR + COMMON_FEATURE_SELECT, 4, 0);
    CHECK_EQ(get(BAR + COMMON_FEATURE, 4), BIT(3) | BIT(28) | BIT(29));
    put(BAR + COMMON_FEATURE_SELECT, 4, 1);
    CHECK_EQ(get(BAR + COMMON_FEATURE, 4), BIT(0) | BIT(8)); /* no packed ring: bit 34 */
    put(BAR + COMMON_FEATURE_SELECT, 4, 2);
    CHECK_EQ(get(BAR + COMMON_FEATURE, 4), 0);
    put(BAR + COMMON_ACCEPTED_SELECT, 4, 0x80000000); /* there are two halves */
    put(BAR + COMMON_ACCEPTED, 4, 0xffffffff);
    CHECK_EQ(dev->accepted, 0);
    accept(BIT(3)); /* without version 1 */
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 3);
    accept(VIRTIO_F_VERSION_1 | BIT(34)); /* a packed ring was not offered */
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 3);
    put(BAR + COMMON_STATUS, 1, 7); /* DRIVER_OK does not come without */
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 3);
    accept(VIRTIO_F_VERSION_1 | BIT(3));
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0xb);
    put(BAR + COMMON_ACCEPTED_SELECT, 4, 0);
    put(BAR + COMMON_ACCEPTED, 4, 0); /* too late */
    CHECK_EQ(get(BAR + COMMON_ACCEPTED, 4), BIT(3));
    CHECK(!virtio_has(dev, BIT(3)));
    put(BAR + COMMON_STATUS, 1, 0xf);
    CHECK(virtio_has(dev, BIT(3)));
    CHECK(!virtio_has(dev, BIT(40)));
    board_fini(&board);
}

TEST(a_doorbell_reaches_a_live_queue_only)
{
    setup();
    put(NOTIFY + 4, 2, 1);
    start();
    put(NOTIFY + 0, 2, 0); /* never enabled */
    put(NOTIFY + 8, 2, 2); /* not there */
    put(NOTIFY + 0xffc, 4, 0);
    CHECK_EQ(rings[1], 0);
    put(NOTIFY + 4, 2, 1);
    CHECK_EQ(rings[0], 0);
    CHECK_EQ(rings[1], 1);
    put(BAR + COMMON_QUEUE_DESCRIPTORS, 4, 0xdead0); /* stands while enabled */
    CHECK_EQ(get(BAR + COMMON_QUEUE_DESCRIPTORS, 4), 0x1000);
    put(BAR + COMMON_STATUS, 1, 0);
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0);
    CHECK_EQ(resets, 2);
    put(NOTIFY + 4, 2, 1);
    CHECK_EQ(rings[1], 1);
    CHECK_EQ(get(BAR + COMMON_QUEUE_SIZE, 2), 16); /* the largest again */
    put(BAR + COMMON_QUEUE_SELECT, 2, QUEUES);
    CHECK_EQ(get(BAR + COMMON_QUEUE_SIZE, 2), 0);
    board_fini(&board);
}

TEST(interrupts_by_line)
{
    setup();
    board_write(&board, 0xfec00000, 0x10 + 2 * GUEST_PCI_LINE(SLOT));
    board_write(&board, 0xfec00010, 0x8050);
    start();
    add_chain(1);
    complete();
    CHECK_EQ(serve(), 0x50);
    CHECK_EQ(get(ISR, 4), 0xffffffff); /* another width does not acknowledge */
    CHECK_EQ(get(ISR, 1), VIRTIO_ISR_QUEUE);
    CHECK_EQ(get(ISR, 1), 0);
    (void)serve(); /* the line was still high at the first end */
    CHECK_EQ(serve(), -1);
    virtio_config_set(dev, 2, "new", 3);
    CHECK_EQ(serve(), 0x50);
    CHECK_EQ(get(ISR, 1), VIRTIO_ISR_CONFIG);
    CHECK_EQ(get(CONFIG + 2, 1), 'n');
    CHECK_EQ(get(CONFIG + 8, 2), 0);
    CHECK_EQ(get(CONFIG + 8, 4), 0xffffffff);
    CHECK_EQ(get(BAR + COMMON_GENERATION, 1), 1);
    board_fini(&board);
}

TEST(interrupts_by_message)
{
    setup();
    start();
    put(TABLE + 16, 8, 0xfee00000);
    put(TABLE + 24, 8, 0x61);
    put(ecam(capability(0x11, 0) + 2), 2, 0x8000);
    add_chain(1);
    complete();
    CHECK_EQ(serve(), 0x61);
    CHECK_EQ(get(ISR, 1), 0);
    put(BAR + COMMON_QUEUE_VECTOR, 2, 3); /* there is none */
    CHECK_EQ(get(BAR + COMMON_QUEUE_VECTOR, 2), 0xffff);
    add_chain(2);
    complete();
    CHECK_EQ(serve(), -1);
    put(BAR + COMMON_QUEUE_VECTOR, 2, 1);
    put(ecam(PCI_COMMAND), 2, PCI_COMMAND_MEMORY); /* without bus mastering nothing moves */
    add_chain(3);
    CHECK_EQ(virtio_pop(dev, 1, &(struct virtq_chain){0}), -EAGAIN);
    board_fini(&board);
}

TEST(a_broken_ring_needs_a_reset)
{
    setup();
    start();
    add_chain(SIZE + 1);
    CHECK_EQ(virtio_pop(dev, 1, &(struct virtq_chain){0}), -EAGAIN);
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0x4f);
    CHECK_EQ(get(ISR, 1), VIRTIO_ISR_CONFIG);
    put(NOTIFY + 4, 2, 1);
    CHECK_EQ(rings[1], 0);
    fake_gmem_init(0);
    start();
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0xf);
    put(NOTIFY + 4, 2, 1);
    CHECK_EQ(rings[1], 1);
    board_fini(&board);
}

TEST(registers_through_configuration_space)
{
    u32 at;

    setup();
    at = capability(9, VIRTIO_CAP_PCI);
    put(ecam(PCI_COMMAND), 2, PCI_COMMAND_MASTER); /* no memory decoding */
    CHECK_EQ(get(BAR + COMMON_STATUS, 1), 0xff);
    put(ecam(at + 12), 4, 1);
    put(ecam(at + 8), 4, COMMON_STATUS);
    put(ecam(at + 16), 4, 3);
    CHECK_EQ(get(ecam(at + 16), 1), 3);
    CHECK_EQ(dev->status, 3);
    put(ecam(at + 12), 4, 3); /* no such width */
    put(ecam(at + 16), 4, 0);
    put(ecam(at + 12), 4, 4);
    put(ecam(at + 8), 4, 0x4000); /* behind the BAR */
    put(ecam(at + 16), 4, 0);
    put(ecam(at + 8), 4, 0xfffffffc);
    put(ecam(at + 16), 4, 0);
    put(ecam(at + 4), 1, 1); /* no such BAR */
    put(ecam(at + 8), 4, COMMON_STATUS);
    put(ecam(at + 16), 4, 0);
    CHECK_EQ(dev->status, 3);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    start();
    for (u64 at = 0; at < 0x4000; at++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            (void)get(BAR + at, size);
            put(BAR + at, size, ~0ull);
        }
    board_reset(&board);
    CHECK_EQ(dev->status, 0);
    board_fini(&board);
}
