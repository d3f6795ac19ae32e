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
/* The PCI bus: both ways into configuration space, BARs that are sized, moved and overlap, lines.
 */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/vlapic.h"
#include "core/vdev/vpci.h"
#include "tests/fakes/fake_board.h"

#define MEM64     0x400000000ull
#define IOAPIC    0xfec00000ull
#define COMMAND   0x04u
#define BAR0      0x10u
#define BAR2      0x18u
#define BAR3      0x1cu
#define BAR4      0x20u
#define DECODES   0x07u
#define FUNCTIONS 4u
#define ALL_ONES  0xffffffffu

static struct board board;

/* A device with one BAR of each kind, which answers with its number. */
static struct fake {
    struct vdev dev;
    struct vpci_function fn;
    u64 written;
} fakes[FUNCTIONS];

static u64 fake_read(struct vdev *dev, u64 offset, unsigned size)
{
    (void)size;
    return (u64)(container_of(dev, struct fake, dev) - fakes + 1) << 8 | offset;
}

static void fake_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    (void)offset;
    (void)size;
    container_of(dev, struct fake, dev)->written = value;
}

static void nothing(struct vdev *dev)
{
    (void)dev;
}

static const struct bus_ops ops = {fake_read, fake_write};
static const struct vdev_ops dev_ops = {nothing, nothing};

static void setup(void)
{
    static const struct vpci_ident ident = {0x1af4, 0x1234, 0x1af4, 0x40, 0x020000, 1};

    board_init(&board, 1);
    CHECK_EQ(vlapic_create(&board.vcpus[0]), 0);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
    CHECK_EQ(vpm_create(&board.vm), 0);
    CHECK_EQ(vpci_create(&board.vm, MEM64), 0);
    memset(fakes, 0, sizeof(fakes));
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        vdev_attach(&board.vm, &fakes[i].dev, "fake", &dev_ops);
        vpci_function_init(&fakes[i].fn, &fakes[i].dev, &ident);
        vpci_function_add_bar(&fakes[i].fn, 0, VPCI_BAR_MEM32, 0x1000, &ops);
        vpci_function_add_bar(&fakes[i].fn, 2, VPCI_BAR_MEM64, 0x4000, &ops);
        vpci_function_add_bar(&fakes[i].fn, 4, VPCI_BAR_IO, 0x20, &ops);
        CHECK_EQ(vpci_add(board.vm.pci, &fakes[i].fn), 0);
    }
}

static u64 ecam(unsigned slot, u32 reg)
{
    return GUEST_PCI_ECAM + (slot << 15) + reg;
}

static u32 get(unsigned slot, u32 reg)
{
    return board_read(&board, ecam(slot, reg));
}

static void put(unsigned slot, u32 reg, u32 value)
{
    board_write(&board, ecam(slot, reg), value);
}

static u32 get_by_port(u32 address)
{
    board_out_wide(&board, 0xcf8, 4, address);
    return (u32)board_in_wide(&board, 0xcfc, 4);
}

TEST(both_ways_lead_to_the_same_registers)
{
    setup();
    CHECK_EQ(get_by_port(0x80000000), 0x00081b36);
    CHECK_EQ(get(0, 0), 0x00081b36);
    CHECK_EQ(get(0, 8) >> 8, 0x060000);
    CHECK_EQ(get_by_port(0x80000000 | 1 << 11), 0x12341af4);
    CHECK_EQ(board_in_wide(&board, 0xcfe, 2), 0x1234);
    CHECK_EQ(board_in(&board, 0xcfd), 0x1a);
    CHECK_EQ(board_in_wide(&board, 0xcf8, 4), 0x80000800);
    board_out_wide(&board, 0xcfc, 4, 0); /* identity is read-only */
    CHECK_EQ(get(1, 0), 0x12341af4);
    board_out_wide(&board, 0xcf8, 4, 0x8000083c);
    board_out(&board, 0xcfc, 0x77);
    CHECK_EQ(get(1, 0x3c), 0x0177);
    CHECK_EQ(get_by_port(0x0000083c), ALL_ONES); /* not enabled */
    CHECK_EQ(get_by_port(0x8001083c), ALL_ONES); /* bus 1 */
    CHECK_EQ(get_by_port(0x8000093c), ALL_ONES); /* function 1 */
    CHECK_EQ(get_by_port(0x80000000 | 31 << 11), ALL_ONES);
    CHECK_EQ(get(31, 0), ALL_ONES);
    CHECK_EQ(board_read(&board, ecam(1, 0x1000)), ALL_ONES);
    CHECK_EQ(get(1, 0x100), 0); /* no extended capabilities */
    board_fini(&board);
}

TEST(reset_register_between_the_ports)
{
    setup();
    board_out_wide(&board, 0xcf8, 4, 0x80000600); /* no reset: an address */
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    board_out(&board, 0xcf9, 0x02);
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    CHECK_EQ(board_in(&board, 0xcf9), 0x02);
    CHECK_EQ(board_in_wide(&board, 0xcf8, 4), 0x80000600);
    board_out(&board, 0xcf9, 0x06);
    CHECK_EQ(board.vm.stop, VM_STOP_RESET);
    board_fini(&board);
}

static void check_size(unsigned slot, u32 reg, u32 expected)
{
    u32 before = get(slot, reg);

    put(slot, reg, ALL_ONES);
    CHECK_EQ(get(slot, reg), expected);
    put(slot, reg, before);
    CHECK_EQ(get(slot, reg), before);
}

TEST(bars_tell_their_size)
{
    setup();
    check_size(1, BAR0, 0xfffff000);
    check_size(1, BAR0 + 4, 0);
    check_size(1, BAR2, 0xffffc004);
    check_size(1, BAR3, ALL_ONES);
    check_size(1, BAR4, 0xffffffe1);
    check_size(1, 0x30, 0); /* no expansion ROM */
    check_size(0, BAR0, 0);
    put(1, COMMAND, ALL_ONES);
    CHECK_EQ(get(1, COMMAND), 0x0407);
    put(0, COMMAND, ALL_ONES);
    CHECK_EQ(get(0, COMMAND), 0x0404); /* the bridge decodes nothing */
    board_fini(&board);
}

TEST(bars_move)
{
    u64 first = 0;

    setup();
    first = get(1, BAR0);
    CHECK_EQ(first, GUEST_PCI_MEM32);
    CHECK_EQ(get(2, BAR0) % 0x1000, 0);
    CHECK(get(2, BAR0) > get(1, BAR2));
    CHECK_EQ(board_read(&board, first), ALL_ONES); /* decoding is off */
    put(1, COMMAND, DECODES);
    CHECK_EQ(board_read(&board, first + 8), 0x108);
    CHECK_EQ(board_in_wide(&board, (u16)(get(1, BAR4) & ~3u), 4), 0x100);
    put(1, BAR0, 0xd0000000);
    CHECK_EQ(board_read(&board, first), ALL_ONES);
    CHECK_EQ(board_read(&board, 0xd0000004), 0x104);
    put(1, BAR3, 0x5); /* half of a move: elsewhere, and back */
    put(1, BAR2, 0x10000);
    CHECK_EQ(board_read(&board, 0x500010000), 0x100);
    put(1, COMMAND, 0);
    CHECK_EQ(board_read(&board, 0xd0000004), ALL_ONES);
    CHECK_EQ(board_read(&board, 0x500010000), ALL_ONES);
    board_fini(&board);
}

TEST(the_bridge_passes_its_windows_only)
{
    static const u32 elsewhere[] = {0,      0x1000,     0xbffff000, GUEST_PCI_ECAM,
                                    IOAPIC, 0xfee00000, 0xfffff000};

    setup();
    put(1, COMMAND, DECODES);
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
        put(1, BAR0, elsewhere[i]);
        CHECK_EQ(fakes[0].fn.mapped[0], 0);
        put(1, BAR2, elsewhere[i]);
        put(1, BAR3, i % 2 ? 0 : 1);
        CHECK_EQ(fakes[0].fn.mapped[2], 0);
    }
    put(1, BAR3, 0x8); /* behind the window */
    CHECK_EQ(fakes[0].fn.mapped[2], 0);
    put(1, BAR4, 0x0cf8); /* below the window of ports */
    CHECK_EQ(fakes[0].fn.mapped[4], 0);
    put(1, BAR4, 0x1ffe0);
    CHECK_EQ(fakes[0].fn.mapped[4], 0);
    CHECK_EQ(get(0, 0), 0x00081b36); /* configuration space is where it was */
    board_fini(&board);
}

TEST(of_two_that_overlap_the_first_answers)
{
    setup();
    put(1, BAR0, 0xd0000000);
    put(2, BAR0, 0xd0000000);
    put(1, COMMAND, DECODES);
    put(2, COMMAND, DECODES);
    CHECK_EQ(board_read(&board, 0xd0000000), 0x100);
    put(1, BAR0, 0xd0004000);
    CHECK_EQ(board_read(&board, 0xd0000000), 0x200);
    CHECK_EQ(board_read(&board, 0xd0004000), 0x100);
    put(2, BAR2, 0xd0004000);
    CHECK_EQ(board_read(&board, 0xd0004000), 0x100);
    put(1, COMMAND, 0);
    CHECK_EQ(board_read(&board, 0xd0004000), 0x200);
    board_fini(&board);
}

TEST(slots_run_out)
{
    static struct fake more[GUEST_PCI_SLOTS];
    static const struct vpci_ident ident = {0};
    int rc = 0;
    unsigned added = 0;

    setup();
    for (; rc == 0; added += rc == 0) {
        vpci_function_init(&more[added].fn, &fakes[0].dev, &ident);
        rc = vpci_add(board.vm.pci, &more[added].fn);
    }
    CHECK_EQ(rc, -ENOSPC);
    CHECK_EQ(added, GUEST_PCI_SLOTS - 1 - FUNCTIONS);
    board_fini(&board);
}

/* The line's level, as the IOAPIC sees it. */
static bool line(unsigned slot)
{
    return (board.vm.pci->asserted[slot % GUEST_PCI_LINES]) != 0;
}

static void route_line(unsigned slot, u8 vector)
{
    vlapic_mmio_write(board.vcpus[0].vlapic, APIC_SVR, 0x1ff);
    board_write(&board, IOAPIC, 0x10 + 2 * GUEST_PCI_LINE(slot));
    board_write(&board, IOAPIC + 0x10, 0x8000u | vector); /* level, to CPU 0 */
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

TEST(a_line_is_shared)
{
    setup();
    route_line(1, 0x50);
    CHECK_EQ(get(1, 0x3c), 0x100 | GUEST_PCI_LINE(1));
    vpci_intx_set(&fakes[0].fn, true); /* slots 1 and 3 have the same line */
    vpci_intx_set(&fakes[2].fn, true);
    CHECK_EQ(serve(), 0x50);
    CHECK(get(1, COMMAND) & 0x80000); /* status: interrupt */
    vpci_intx_set(&fakes[0].fn, false);
    CHECK(!(get(1, COMMAND) & 0x80000));
    CHECK_EQ(serve(), 0x50);
    CHECK(line(1));
    put(3, COMMAND, 0x400);
    CHECK(!line(1));
    CHECK(get(3, COMMAND) & 0x80000); /* the wish stays visible */
    put(3, COMMAND, 0);
    CHECK(line(1));
    vpci_intx_set(&fakes[2].fn, false);
    (void)serve(); /* sent while it was still high */
    CHECK_EQ(serve(), -1);
    vpci_intx_set(&fakes[1].fn, true);
    CHECK(line(2) && !line(1));
    board_fini(&board);
}

TEST(a_function_leaves_and_another_comes)
{
    struct vpci *host = NULL;
    u32 bar;

    setup();
    host = board.vm.pci;
    bar = get(3, BAR0);
    put(1, BAR0, 0xd0000000);
    put(3, BAR0, 0xd0000000); /* under the other one's */
    put(1, COMMAND, DECODES);
    put(3, COMMAND, DECODES);
    vpci_intx_set(&fakes[0].fn, true);
    vpci_remove(&fakes[0].fn);
    CHECK(!line(1));
    CHECK_EQ(get(1, 0), ALL_ONES);
    put(1, COMMAND, DECODES);
    CHECK_EQ(board_read(&board, 0xd0000000), 0x300); /* uncovered */
    vpci_intx_set(&fakes[0].fn, true);               /* from a task that has not heard of it */
    CHECK(!line(1));
    vpci_intx_set(&fakes[2].fn, true); /* of the same line */
    vpci_intx_set(&fakes[0].fn, false);
    CHECK(line(1));
    vpci_remove(&fakes[0].fn); /* again: nothing */
    CHECK_EQ(vpci_add(host, &fakes[0].fn), 0);
    CHECK_EQ(fakes[0].fn.slot, 1);
    CHECK_EQ(get(1, BAR0), GUEST_PCI_MEM32);
    CHECK_EQ(get(1, COMMAND) & 0xffff, 0);
    vpci_remove(&fakes[2].fn);
    CHECK_EQ(vpci_add(host, &fakes[2].fn), 0);
    CHECK_EQ(get(3, BAR0), bar); /* the slot's share, each time */
    board_fini(&board);
}

static u32 ejections;

static void on_ejected(struct vm *vm)
{
    CHECK(vm == &board.vm);
    ejections++;
}

static u32 hotplug(u32 reg)
{
    return (u32)board_in_wide(&board, (u16)(GUEST_HOTPLUG + reg), 4);
}

static void eject(u32 slots)
{
    board_out_wide(&board, GUEST_HOTPLUG + GUEST_HOTPLUG_EJECT, 4, slots);
}

TEST(only_what_is_wanted_is_ejected)
{
    struct vpci *host = NULL;

    setup();
    host = board.vm.pci;
    ejections = 0;
    board.vm.on_ejected = on_ejected;
    fakes[2].fn.can_leave = true;
    CHECK_EQ(vpci_hotplug_slots(host), ~0x17u); /* the bridge and three fakes stay */
    vpci_announce(host, 3);
    CHECK_EQ(board_in(&board, GUEST_GPE0), 1);
    CHECK_EQ(hotplug(GUEST_HOTPLUG_CHECK), 0x8);
    CHECK_EQ(hotplug(GUEST_HOTPLUG_CHECK), 0);
    eject(ALL_ONES);
    CHECK_EQ(ejections, 0);
    board_out(&board, GUEST_GPE0, 1);
    vpci_want_eject(host, 3);
    CHECK_EQ(board_in(&board, GUEST_GPE0), 1);
    CHECK_EQ(hotplug(GUEST_HOTPLUG_WANTED), 0x8);
    eject(~0x8u);
    CHECK(ejections == 0 && !vpci_was_ejected(host, 3));
    eject(ALL_ONES);
    CHECK_EQ(ejections, 1);
    CHECK(!vpci_was_ejected(host, 1));
    CHECK(vpci_was_ejected(host, 3) && !vpci_was_ejected(host, 3));
    CHECK_EQ(hotplug(GUEST_HOTPLUG_WANTED), 0);
    vpci_want_eject(host, 3);
    vpci_want_back(host, 3);
    eject(0x8); /* too late */
    CHECK(ejections == 1 && !vpci_was_ejected(host, 3));
    vpci_want_eject(host, 3);
    vpci_remove(&fakes[2].fn);
    CHECK_EQ(hotplug(GUEST_HOTPLUG_WANTED), 0);
    for (unsigned at = 0; at < GUEST_HOTPLUG_BYTES; at++)
        for (unsigned size = 1; size <= 4; size *= 2) {
            board_out_wide(&board, (u16)(GUEST_HOTPLUG + at), size, ~0ull);
            (void)board_in_wide(&board, (u16)(GUEST_HOTPLUG + at), size);
        }
    CHECK_EQ(board_in_wide(&board, GUEST_HOTPLUG, 2), 0xffff);
    CHECK_EQ(ejections, 1);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    put(1, COMMAND, DECODES);
    for (u32 reg = 0; reg < 0x140; reg++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            u64 value;

            (void)bus_read(&board.vm.mmio, ecam(1, reg), size, &value);
            (void)bus_write(&board.vm.mmio, ecam(1, reg), size, ~0ull);
        }
    for (u16 port = 0xcf8; port < 0xd00; port++)
        for (unsigned size = 1; size <= 4; size *= 2) {
            (void)board_in_wide(&board, port, size);
            board_out_wide(&board, port, size, 0x80000805);
        }
    CHECK_EQ(get(1, 0), 0x12341af4);
    board_reset(&board);
    CHECK_EQ(get(1, COMMAND) & 0xffff, 0);
    CHECK_EQ(fakes[0].fn.mapped[0], 0);
    board_fini(&board);
}
