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
/* The IOAPIC: registers, edges, levels with Remote IRR, masks, destinations. */
#include "tests/unit/harness.h"

#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vdev/vlapic.h"
#include "tests/fakes/fake_board.h"

#define BASE 0xfec00000ull

static struct board board;

static void setup(u32 vcpus)
{
    board_init(&board, vcpus);
    for (u32 i = 0; i < vcpus; i++) {
        CHECK_EQ(vlapic_create(&board.vcpus[i]), 0);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_SVR, 0x1ff);
        vlapic_mmio_write(board.vcpus[i].vlapic, APIC_LDR, 0x01000000u << i);
    }
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vioapic_create(&board.vm), 0);
}

static u32 get(u32 reg)
{
    board_write(&board, BASE, reg);
    return board_read(&board, BASE + 0x10);
}

static void put(u32 reg, u32 value)
{
    board_write(&board, BASE, reg);
    board_write(&board, BASE + 0x10, value);
}

static int pending(u32 vcpu)
{
    return board.vm.irqchip->pending(&board.vcpus[vcpu]);
}

/* Takes and ends the interrupt. */
static int serve(u32 vcpu)
{
    int vector = pending(vcpu);

    if (vector < 0)
        return vector;
    board.vm.irqchip->acknowledge(&board.vcpus[vcpu], (u8)vector);
    vlapic_mmio_write(board.vcpus[vcpu].vlapic, APIC_EOI, 0);
    return vector;
}

TEST(registers)
{
    setup(1);
    CHECK_EQ(get(1), 0x170020);
    CHECK_EQ(get(0), 0);
    put(0, 0xffffffff);
    CHECK_EQ(get(0), 0x0f000000);
    CHECK_EQ(get(2), 0x0f000000);
    CHECK_EQ(get(0x10), 0x10000);
    put(0x10, 0xffffffff);
    CHECK_EQ(get(0x10), 0x1afff); /* status and Remote IRR are read-only */
    put(0x11, 0xffffffff);
    CHECK_EQ(get(0x11), 0xff000000);
    CHECK_EQ(get(0x3f), 0x00000000);
    CHECK_EQ(get(0x40), 0);
    put(0x40, 1);
    put(0xff, 1);
    CHECK_EQ(get(0x05), 0);
    board_fini(&board);
}

TEST(edge)
{
    setup(1);
    put(0x10 + 2 * 4, 0x44);
    virq_set(&board.vm, 4, true);
    CHECK_EQ(serve(0), 0x44);
    virq_set(&board.vm, 4, true); /* no new edge */
    CHECK_EQ(pending(0), -1);
    virq_set(&board.vm, 4, false);
    virq_set(&board.vm, 4, true);
    CHECK_EQ(serve(0), 0x44);
    put(0x10 + 2 * 4, 0x10044);
    virq_pulse(&board.vm, 4); /* masked: lost */
    put(0x10 + 2 * 4, 0x44);
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(pit_is_pin_2)
{
    setup(1);
    put(0x14, 0x40);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(serve(0), 0x40);
    put(0x10, 0x41);
    virq_pulse(&board.vm, 2); /* nobody's line */
    CHECK_EQ(pending(0), -1);
    board_fini(&board);
}

TEST(level)
{
    setup(1);
    put(0x10 + 2 * 9, 0x8049);
    virq_set(&board.vm, 9, true);
    CHECK_EQ(get(0x10 + 2 * 9), 0xc049); /* Remote IRR */
    CHECK_EQ(serve(0), 0x49);
    CHECK_EQ(pending(0), 0x49); /* still high: again */
    virq_set(&board.vm, 9, false);
    CHECK_EQ(serve(0), 0x49);
    CHECK_EQ(pending(0), -1);
    CHECK_EQ(get(0x10 + 2 * 9), 0x8049);
    /* High while masked is delivered when unmasked. */
    put(0x10 + 2 * 9, 0x18049);
    virq_set(&board.vm, 9, true);
    CHECK_EQ(pending(0), -1);
    put(0x10 + 2 * 9, 0x8049);
    CHECK_EQ(pending(0), 0x49);
    board_fini(&board);
}

TEST(eoi_register_and_switch_to_edge)
{
    setup(1);
    put(0x10 + 2 * 20, 0x8051);
    virq_set(&board.vm, 20, true);
    virq_set(&board.vm, 20, false);
    CHECK_EQ(get(0x10 + 2 * 20), 0xc051);
    board_write(&board, BASE + 0x40, 0x51);
    CHECK_EQ(get(0x10 + 2 * 20), 0x8051);
    virq_set(&board.vm, 20, true);
    put(0x10 + 2 * 20, 0x10051);
    CHECK_EQ(get(0x10 + 2 * 20), 0x10051);
    board_fini(&board);
}

TEST(destinations)
{
    setup(3);
    put(0x14, 0x61); /* physical */
    put(0x15, 0x02000000);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(serve(2), 0x61);
    CHECK_EQ(pending(0), -1);
    put(0x14, 0x862); /* logical, two of them */
    put(0x15, 0x03000000);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(serve(0), 0x62);
    CHECK_EQ(serve(1), 0x62);
    CHECK_EQ(pending(2), -1);
    put(0x14, 0x963); /* lowest priority of all */
    put(0x15, 0x07000000);
    board.vm.irqchip->tpr_set(&board.vcpus[0], 3);
    board.vm.irqchip->tpr_set(&board.vcpus[1], 2);
    board.vm.irqchip->tpr_set(&board.vcpus[2], 4);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(serve(1), 0x63);
    put(0x14, 0x400); /* NMI */
    put(0x15, 0xff000000);
    virq_pulse(&board.vm, 0);
    for (u32 i = 0; i < 3; i++)
        CHECK(board.vm.irqchip->nmi_take(&board.vcpus[i]));
    put(0x14, 0x700); /* ExtINT: does nothing here */
    virq_pulse(&board.vm, 0);
    board_fini(&board);
}

TEST(odd_accesses)
{
    u64 value;

    setup(1);
    CHECK(bus_read(&board.vm.mmio, BASE, 8, &value));
    CHECK_EQ(value, ~0ull);
    CHECK(bus_read(&board.vm.mmio, BASE + 3, 1, &value));
    CHECK_EQ(value, 0xff);
    CHECK(bus_write(&board.vm.mmio, BASE, 1, 0x10));
    CHECK_EQ(board_read(&board, BASE), 0);
    CHECK_EQ(board_read(&board, BASE + 0x20), 0);
    put(0x10, 0x1); /* a vector no APIC accepts */
    put(0x14, 0x1);
    virq_pulse(&board.vm, 0);
    CHECK_EQ(pending(0), -1);
    board_reset(&board);
    CHECK_EQ(get(0x14), 0x10000);
    board_fini(&board);
}
