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
/* The 8259A pair: initialisation, priorities, EOI commands, masks, polling, spurious interrupts. */
#include "tests/unit/harness.h"

#include "core/vdev/vdevs.h"
#include "core/vdev/virq.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vpic.h"
#include "tests/fakes/fake_board.h"

#define MASTER 0x20
#define SLAVE  0xa0

static struct board board;

static void init_chips(u8 master_icw4, u8 slave_icw4)
{
    board_out(&board, MASTER, 0x11);
    board_out(&board, MASTER + 1, 0x20);
    board_out(&board, MASTER + 1, 0x04);
    board_out(&board, MASTER + 1, master_icw4);
    board_out(&board, SLAVE, 0x11);
    board_out(&board, SLAVE + 1, 0x28);
    board_out(&board, SLAVE + 1, 0x02);
    board_out(&board, SLAVE + 1, slave_icw4);
}

static void setup(void)
{
    board_init(&board, 1);
    CHECK_EQ(vpic_create(&board.vm), 0);
    init_chips(1, 1);
}

static bool is_pending(void)
{
    return board.vm.virq->pic_output;
}

static u8 take(void)
{
    return virq_pic_acknowledge(&board.vm);
}

static u8 isr(u16 chip)
{
    board_out(&board, chip, 0x0b);
    return board_in(&board, chip);
}

static u8 irr(u16 chip)
{
    board_out(&board, chip, 0x0a);
    return board_in(&board, chip);
}

TEST(silent_until_initialised)
{
    board_init(&board, 1);
    CHECK_EQ(vpic_create(&board.vm), 0);
    virq_set(&board.vm, 1, true);
    CHECK(!is_pending());
    init_chips(1, 1);
    CHECK(!is_pending()); /* ICW1 clears the edge */
    virq_set(&board.vm, 1, false);
    virq_set(&board.vm, 1, true);
    CHECK(is_pending());
    board_fini(&board);
}

TEST(edge_and_eoi)
{
    setup();
    virq_pulse(&board.vm, 4);
    CHECK(is_pending());
    CHECK_EQ(virq_pic_peek(&board.vm), 0x24);
    CHECK_EQ(take(), 0x24);
    CHECK_EQ(isr(MASTER), 0x10);
    CHECK(!is_pending());
    virq_pulse(&board.vm, 4); /* waits: the same level is in service */
    CHECK(!is_pending());
    board_out(&board, MASTER, 0x20);
    CHECK_EQ(isr(MASTER), 0);
    CHECK(is_pending());
    CHECK_EQ(take(), 0x24);
    board_out(&board, MASTER, 0x64); /* specific EOI */
    CHECK_EQ(isr(MASTER), 0);
    board_fini(&board);
}

TEST(nesting)
{
    setup();
    virq_pulse(&board.vm, 5);
    CHECK_EQ(take(), 0x25);
    virq_pulse(&board.vm, 6);
    CHECK(!is_pending());
    virq_pulse(&board.vm, 1);
    CHECK_EQ(take(), 0x21);
    board_out(&board, MASTER, 0x20); /* ends 1, the higher one */
    CHECK_EQ(isr(MASTER), 0x20);
    board_out(&board, MASTER, 0x20);
    CHECK_EQ(take(), 0x26);
    board_fini(&board);
}

TEST(cascade)
{
    setup();
    virq_pulse(&board.vm, 8);
    virq_pulse(&board.vm, 12);
    CHECK_EQ(irr(MASTER), 0x04);
    CHECK_EQ(take(), 0x28);
    CHECK_EQ(isr(MASTER), 0x04);
    CHECK_EQ(isr(SLAVE), 0x01);
    CHECK(!is_pending());
    board_out(&board, SLAVE, 0x20);
    board_out(&board, MASTER, 0x20);
    CHECK_EQ(take(), 0x2c);
    board_fini(&board);
}

TEST(masks)
{
    setup();
    board_out(&board, MASTER + 1, 0xff);
    CHECK_EQ(board_in(&board, MASTER + 1), 0xff);
    virq_pulse(&board.vm, 0);
    CHECK(!is_pending());
    CHECK_EQ(irr(MASTER), 0x01);
    board_out(&board, MASTER + 1, 0xfe);
    CHECK(is_pending());
    board_out(&board, MASTER + 1, 0xff);
    CHECK(!is_pending());
    board_fini(&board);
}

TEST(spurious)
{
    setup();
    CHECK_EQ(take(), 0x27);
    CHECK_EQ(isr(MASTER), 0);
    /* A level that goes away between the cycles: the slave answers with its input 7. */
    board_out(&board, 0x4d1, 0x0e);
    virq_set(&board.vm, 10, true);
    CHECK(is_pending());
    virq_set(&board.vm, 10, false);
    CHECK(!is_pending());
    CHECK_EQ(take(), 0x27);
    board_fini(&board);
}

TEST(level_triggered)
{
    setup();
    board_out(&board, 0x4d0, 0xff);
    CHECK_EQ(board_in(&board, 0x4d0), 0xf8);
    board_out(&board, 0x4d1, 0xff);
    CHECK_EQ(board_in(&board, 0x4d1), 0xde);
    virq_set(&board.vm, 5, true);
    CHECK_EQ(take(), 0x25);
    board_out(&board, MASTER, 0x20);
    CHECK(is_pending()); /* still high */
    virq_set(&board.vm, 5, false);
    CHECK(!is_pending());
    board_fini(&board);
}

TEST(automatic_eoi_and_rotation)
{
    setup();
    init_chips(3, 1);
    virq_pulse(&board.vm, 3);
    CHECK_EQ(take(), 0x23);
    CHECK_EQ(isr(MASTER), 0);
    board_out(&board, MASTER, 0x80); /* rotate in automatic EOI mode */
    virq_pulse(&board.vm, 3);
    virq_pulse(&board.vm, 4);
    CHECK_EQ(take(), 0x23); /* 3 is the lowest now */
    virq_pulse(&board.vm, 3);
    CHECK_EQ(take(), 0x24);
    CHECK_EQ(take(), 0x23);
    board_fini(&board);
}

TEST(set_priority_and_rotate_on_eoi)
{
    setup();
    board_out(&board, MASTER, 0xc3); /* 3 lowest, so 4 highest */
    virq_pulse(&board.vm, 0);
    virq_pulse(&board.vm, 4);
    CHECK_EQ(take(), 0x24);
    board_out(&board, MASTER, 0xa0); /* rotate on non-specific EOI: 4 lowest */
    CHECK_EQ(take(), 0x20);
    board_out(&board, MASTER, 0xe7); /* rotate on specific EOI of 7 */
    CHECK_EQ(isr(MASTER), 0x01);
    board_fini(&board);
}

TEST(special_mask_mode)
{
    setup();
    virq_pulse(&board.vm, 2 + 1);
    CHECK_EQ(take(), 0x23);
    virq_pulse(&board.vm, 6);
    CHECK(!is_pending());
    board_out(&board, MASTER + 1, 0x08);
    board_out(&board, MASTER, 0x68); /* lower ones may now interrupt the masked one */
    CHECK_EQ(take(), 0x26);
    board_out(&board, MASTER, 0x20); /* ends 6, not the masked 3 */
    CHECK_EQ(isr(MASTER), 0x08);
    board_fini(&board);
}

TEST(poll)
{
    setup();
    virq_pulse(&board.vm, 6);
    board_out(&board, MASTER, 0x0c);
    CHECK_EQ(board_in(&board, MASTER), 0x86);
    CHECK_EQ(isr(MASTER), 0x40);
    board_out(&board, MASTER, 0x0c);
    CHECK_EQ(board_in(&board, MASTER), 0);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    CHECK_EQ(board_in_wide(&board, MASTER, 2), 0xffff);
    board_out_wide(&board, MASTER, 2, 0xff11);
    virq_pulse(&board.vm, 1);
    CHECK(is_pending());
    board_reset(&board);
    CHECK(!is_pending());
    CHECK_EQ(board_in(&board, MASTER + 1), 0);
    board_fini(&board);
}
