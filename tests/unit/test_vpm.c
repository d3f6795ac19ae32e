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
/* ACPI registers: power button, sleep, timer; and the reset ports. */
#include "tests/unit/harness.h"

#include "core/vdev/vdevs.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vpic.h"
#include "core/vmm/guest_layout.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_timer.h"

#define STS 0x600
#define EN  0x602
#define CNT 0x604
#define TMR 0x608
#define GPE 0x60c

static struct board board;

static void setup(void)
{
    board_init(&board, 1);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vpm_create(&board.vm), 0);
}

static u16 get(u16 port)
{
    return (u16)board_in_wide(&board, port, 2);
}

static void put(u16 port, u16 value)
{
    board_out_wide(&board, port, 2, value);
}

static bool sci(void)
{
    return board.vm.virq->pic->slave.lines & 2;
}

TEST(power_button)
{
    setup();
    vpm_power_button(&board.vm);
    CHECK_EQ(get(STS), 0x100);
    CHECK(!sci());
    put(EN, 0x120);
    CHECK_EQ(get(EN), 0x120);
    CHECK(sci());
    put(STS, 0x100);
    CHECK(!sci());
    CHECK_EQ(get(STS), 0);
    vpm_power_button(&board.vm);
    CHECK(sci());
    board_out(&board, STS + 1, 0x01); /* by bytes too */
    CHECK(!sci());
    CHECK_EQ(board_in_wide(&board, STS, 4), 0x01200000);
    board_fini(&board);
}

TEST(sleep)
{
    setup();
    CHECK_EQ(get(CNT), 1);
    put(CNT, 0x2001 | 1 << 10); /* S1 is not there */
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    put(CNT, 5 << 10);
    CHECK_EQ(get(CNT), 0x1401);
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    put(CNT, 0x2000 | 5 << 10);
    CHECK_EQ(board.vm.stop, VM_STOP_POWEROFF);
    board_fini(&board);
}

TEST(timer)
{
    u32 start;

    setup();
    start = (u32)board_in_wide(&board, TMR, 4);
    CHECK_EQ(start, 0);
    fake_time_advance(NS_PER_S);
    CHECK_EQ(board_in_wide(&board, TMR, 4), 3579545);
    fake_time_advance(9 * NS_PER_S);
    CHECK_EQ(board_in_wide(&board, TMR, 4), 35795450);
    CHECK_EQ(board_in(&board, TMR + 1), 35795450 >> 8 & 0xff);
    fake_time_advance(1200 * NS_PER_S); /* wraps at 32 bits */
    CHECK_EQ(board_in_wide(&board, TMR, 4), (u32)(3579545ull * 1210));
    CHECK_EQ(get(STS), 1);
    CHECK(!sci());
    put(STS, 1);
    put(EN, 1);
    CHECK(!sci());
    fake_time_advance(600 * NS_PER_S);
    CHECK(sci());
    put(STS, 1);
    CHECK(!sci());
    board_fini(&board);
}

TEST(general_purpose_event)
{
    setup();
    vpm_gpe(&board.vm, GUEST_GPE_HOTPLUG);
    CHECK_EQ(get(GPE), 0x0001);
    CHECK(!sci());
    board_out(&board, GPE + 1, 0xff);
    CHECK_EQ(get(GPE), 0x0101); /* the others are not there */
    CHECK(sci());
    board_out(&board, GPE, 0xfe);
    CHECK(sci());
    vpm_power_button(&board.vm);
    put(EN, 0x100);
    board_out(&board, GPE, 0x01);
    CHECK_EQ(get(GPE), 0x0100);
    CHECK(sci()); /* the button */
    put(STS, 0x100);
    CHECK(!sci());
    board_reset(&board);
    CHECK_EQ(get(GPE), 0);
    board_fini(&board);
}

TEST(keyboard_controller)
{
    setup();
    CHECK_EQ(board_in(&board, 0x64), 0xff);
    board_out(&board, 0x64, 0xaa);
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    board_out(&board, 0x64, 0xfe);
    CHECK_EQ(board.vm.stop, VM_STOP_RESET);
    board_fini(&board);
}

TEST(fast_reset)
{
    setup();
    CHECK_EQ(board_in(&board, 0x92), 2);
    board_out(&board, 0x92, 0);
    CHECK_EQ(board_in(&board, 0x92), 0);
    board_out(&board, 0x92, 1);
    CHECK_EQ(board.vm.stop, VM_STOP_RESET);
    board_fini(&board);
}

TEST(odd_accesses)
{
    setup();
    for (u16 port = 0x600; port < 0x610; port++)
        for (unsigned size = 1; size <= 4; size *= 2) {
            (void)board_in_wide(&board, port, size);
            if (port < CNT - 4 || port >= CNT + 2)
                board_out_wide(&board, port, size, ~0ull);
        }
    CHECK_EQ(board_in(&board, 0x606), 0);
    CHECK_EQ(board_in(&board, 0x60d), 1);
    CHECK_EQ(board_in(&board, 0x60e), 0xff);
    CHECK_EQ(board.vm.stop, VM_STOP_NONE);
    board_reset(&board);
    CHECK_EQ(get(EN), 0);
    board_fini(&board);
}
