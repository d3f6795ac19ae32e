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
/* The 8254: modes, latches, read-back, BCD, channel 2's gate, channel 0's interrupts. */
#include "tests/unit/harness.h"

#include "core/vdev/vdevs.h"
#include "core/vdev/virq_impl.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_timer.h"

#define TICK_NS (NS_PER_S / 1193182 + 1)

static struct board board;

static void setup(void)
{
    static const u8 icw[] = {0x20, 0x04, 0x03}; /* automatic EOI */

    board_init(&board, 1);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vpit_create(&board.vm), 0);
    board_out(&board, 0x20, 0x11);
    for (unsigned i = 0; i < sizeof(icw); i++)
        board_out(&board, 0x21, icw[i]);
}

/* Takes the interrupt of line 0, if there is one. */
static bool ticked(void)
{
    return board.vm.virq->pic_output && virq_pic_acknowledge(&board.vm) == 0x20;
}

static void program(unsigned channel, u8 control, u16 count)
{
    board_out(&board, 0x43, control);
    board_out(&board, (u16)(0x40 + channel), (u8)count);
    board_out(&board, (u16)(0x40 + channel), (u8)(count >> 8));
}

static u16 read16(unsigned channel)
{
    u16 low = board_in(&board, (u16)(0x40 + channel));

    return (u16)(low | board_in(&board, (u16)(0x40 + channel)) << 8);
}

TEST(calibration_by_channel_2)
{
    setup();
    board_out(&board, 0x61, 0x01);
    program(2, 0xb0, 11932); /* mode 0, 10 ms */
    CHECK_EQ(board_in(&board, 0x61) & 0x2f, 0x01);
    fake_time_advance(9 * NS_PER_MS);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0);
    CHECK_EQ(read16(2), 11932 - 10738);
    fake_time_advance(NS_PER_MS + 2 * TICK_NS);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0x20);
    CHECK(read16(2) >= 0xfffe);      /* counts on */
    CHECK_EQ(fake_timer_fired(), 0); /* only channel 0 needs the host's timers */
    board_fini(&board);
}

TEST(gate_stops_channel_2)
{
    setup();
    board_out(&board, 0x61, 0x01);
    program(2, 0xb0, 1000);
    fake_time_advance(100 * TICK_NS);
    board_out(&board, 0x61, 0x00);
    fake_time_advance(NS_PER_S);
    CHECK_EQ(read16(2), 900);
    board_out(&board, 0x61, 0x01);
    fake_time_advance(100 * TICK_NS);
    CHECK_EQ(read16(2), 800);
    /* Mode 3: a rising gate starts over; gate low holds the output high. */
    program(2, 0xb6, 1000);
    fake_time_advance(600 * TICK_NS);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0);
    board_out(&board, 0x61, 0x00);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0x20);
    board_out(&board, 0x61, 0x01);
    CHECK_EQ(read16(2), 1000);
    board_fini(&board);
}

TEST(one_shot_by_gate)
{
    setup();
    program(2, 0xb2, 100); /* mode 1: waits for a rising gate */
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0x20);
    board_out(&board, 0x61, 0x01);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0);
    fake_time_advance(101 * TICK_NS);
    CHECK_EQ(board_in(&board, 0x61) & 0x20, 0x20);
    board_fini(&board);
}

TEST(refresh_toggles)
{
    u8 first;

    setup();
    first = board_in(&board, 0x61) & 0x10;
    fake_time_advance(15085);
    CHECK_EQ(board_in(&board, 0x61) & 0x10, first ^ 0x10);
    board_out(&board, 0x61, 0xff);
    CHECK_EQ(board_in(&board, 0x61) & 0xcf, 0x0f);
    board_fini(&board);
}

TEST(mode_0_interrupts_once)
{
    setup();
    program(0, 0x30, 1193);
    CHECK(!ticked());
    fake_time_advance(2 * NS_PER_MS);
    CHECK(ticked());
    fake_time_advance(NS_PER_S);
    CHECK(!ticked());
    program(0, 0x38, 1193); /* mode 4 too */
    fake_time_advance(2 * NS_PER_MS);
    CHECK(ticked());
    fake_time_advance(NS_PER_S);
    CHECK(!ticked());
    board_fini(&board);
}

TEST(periodic)
{
    unsigned ticks = 0;

    setup();
    program(0, 0x34, 11932);
    for (int i = 0; i < 1000; i++) {
        fake_time_advance(NS_PER_MS);
        ticks += ticked();
    }
    CHECK(ticks == 99 || ticks == 100);
    fake_time_advance_late(NS_PER_S); /* missed ones are dropped */
    CHECK(ticked());
    CHECK(!ticked());
    program(0, 0x36, 11932); /* mode 3 */
    fake_time_advance(11 * NS_PER_MS);
    CHECK(ticked());
    program(0, 0x30, 0); /* … until reprogrammed */
    fake_time_advance(54 * NS_PER_MS);
    CHECK(!ticked());
    board_fini(&board);
}

TEST(cannot_storm)
{
    setup();
    program(0, 0x34, 1);
    fake_time_advance(10 * NS_PER_MS);
    CHECK(fake_timer_fired() <= 101);
    board_fini(&board);
}

TEST(latches)
{
    setup();
    program(0, 0x34, 0); /* 65536 */
    fake_time_advance(100 * TICK_NS);
    board_out(&board, 0x43, 0x00);
    fake_time_advance(100 * TICK_NS);
    board_out(&board, 0x43, 0x00); /* keeps the first */
    CHECK_EQ(read16(0), 65536 - 100);
    CHECK_EQ(read16(0), 65536 - 200);
    board_out(&board, 0x43, 0xc2); /* read-back of count and status: status comes first */
    CHECK_EQ(board_in(&board, 0x40), 0xb4);
    CHECK_EQ(read16(0), 65536 - 200);
    board_out(&board, 0x43, 0x34);
    board_out(&board, 0x43, 0xe2); /* status only: no count yet */
    CHECK_EQ(board_in(&board, 0x40), 0xf4);
    board_fini(&board);
}

TEST(access_modes_and_bcd)
{
    setup();
    board_out(&board, 0x43, 0x14); /* low byte only */
    board_out(&board, 0x40, 200);
    fake_time_advance(10 * TICK_NS);
    CHECK_EQ(board_in(&board, 0x40), 190);
    board_out(&board, 0x43, 0x24); /* high byte only */
    board_out(&board, 0x40, 2);
    CHECK_EQ(board_in(&board, 0x40), 2);
    program(1, 0x75, 0x1000); /* BCD */
    fake_time_advance(TICK_NS);
    CHECK_EQ(read16(1), 0x0999);
    program(1, 0x75, 0xffff); /* no such digits: still no harm */
    fake_time_advance(TICK_NS);
    (void)read16(1);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    CHECK_EQ(board_in(&board, 0x43), 0xff);
    CHECK_EQ(board_in_wide(&board, 0x40, 4), 0xffffffff);
    board_out_wide(&board, 0x42, 2, 0x1234);
    for (unsigned control = 0; control < 256; control++) {
        board_out(&board, 0x43, (u8)control);
        for (u16 port = 0x40; port < 0x43; port++) {
            board_out(&board, port, 0);
            fake_time_advance(TICK_NS);
            (void)board_in(&board, port);
            board_out(&board, port, 0);
            (void)board_in(&board, port);
        }
        board_out(&board, 0x61, (u8)control);
        (void)board_in(&board, 0x61);
    }
    board_reset(&board);
    fake_time_advance(NS_PER_S);
    CHECK(!board.vm.virq->pic_output);
    board_fini(&board);
}
