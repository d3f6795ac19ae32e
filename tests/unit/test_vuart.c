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
/* The 16550A: transmitting, receiving, interrupts in order of priority, FIFOs, loopback. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/vdev/vconsole.h"
#include "core/vdev/vdevs.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vpic.h"
#include "tests/fakes/fake_board.h"

#define COM1 0x3f8

static struct board board;
static struct vconsole con;

static void setup(void)
{
    board_init(&board, 1);
    CHECK_EQ(vconsole_init(&con, 256), 0);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vuart_create(&board.vm, COM1, 4, &con), 0);
}

static void done(void)
{
    board_fini(&board);
    CHECK(con.on_input == NULL);
    vconsole_fini(&con);
}

static u8 get(u16 reg)
{
    return board_in(&board, COM1 + reg);
}

static void put(u16 reg, u8 value)
{
    board_out(&board, COM1 + reg, value);
}

static bool line(void)
{
    return board.vm.virq->pic->master.lines & 0x10;
}

TEST(transmit)
{
    char buf[8] = "";
    u64 offset = 0;

    setup();
    put(0, 'h');
    put(1, 0x02); /* with the transmitter's interrupt enabled too */
    put(0, 'i');
    CHECK_EQ(vconsole_read(&con, &offset, buf, sizeof(buf)), 2);
    CHECK_STR(buf, "hi");
    CHECK_EQ(get(5), 0x60);
    done();
}

TEST(divisor_and_scratch)
{
    setup();
    put(3, 0x83);
    CHECK_EQ(get(0), 12);
    put(0, 1);
    put(1, 2);
    CHECK_EQ(get(0), 1);
    CHECK_EQ(get(1), 2);
    put(3, 0x03);
    CHECK_EQ(get(1), 0);
    CHECK_EQ(vconsole_written(&con), 0);
    put(7, 0xa5);
    CHECK_EQ(get(7), 0xa5);
    put(1, 0xff);
    CHECK_EQ(get(1), 0x0f);
    put(5, 0xff); /* read-only */
    CHECK_EQ(get(5), 0x60);
    done();
}

TEST(transmitter_interrupt)
{
    setup();
    put(4, 0x0b);
    CHECK_EQ(get(2), 0x01);
    put(1, 0x02);
    CHECK(line());
    CHECK_EQ(get(2), 0x02); /* reading it takes it back */
    CHECK(!line());
    CHECK_EQ(get(2), 0x01);
    put(0, 'x');
    CHECK(line());
    put(1, 0);
    CHECK(!line());
    put(1, 0x02); /* enabling again raises it again */
    CHECK_EQ(get(2), 0x02);
    done();
}

TEST(out2_gates_the_line)
{
    setup();
    put(1, 0x02);
    CHECK(!line());
    put(4, 0x08);
    CHECK(line());
    put(4, 0x18);
    CHECK(!line());
    done();
}

TEST(receive_without_fifo)
{
    setup();
    put(4, 0x0b);
    put(1, 0x01);
    CHECK_EQ(vconsole_input(&con, "ab", 2), 2);
    CHECK(line());
    CHECK_EQ(get(2), 0x04);
    CHECK_EQ(get(5), 0x61);
    CHECK_EQ(get(0), 'a');
    CHECK_EQ(get(0), 'b');
    CHECK(!line());
    CHECK_EQ(get(5), 0x60);
    CHECK_EQ(get(0), 0);
    done();
}

TEST(receive_fifo_trigger_and_timeout)
{
    setup();
    put(4, 0x0b);
    put(2, 0x81); /* trigger at 8 */
    put(1, 0x03);
    (void)get(2);
    CHECK_EQ(vconsole_input(&con, "0123456789", 10), 10);
    CHECK_EQ(get(2), 0xc4);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(get(0), '0' + i);
    CHECK_EQ(get(2), 0xcc); /* seven left and no more to come */
    for (int i = 3; i < 10; i++)
        CHECK_EQ(get(0), '0' + i);
    CHECK_EQ(get(2), 0xc1);
    CHECK(!line());
    done();
}

TEST(long_input_is_not_lost)
{
    static char text[5000];

    setup();
    put(4, 0x0b);
    put(2, 0x01);
    put(1, 0x01);
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 26);
    CHECK_EQ(vconsole_input(&con, text, sizeof(text)), sizeof(text));
    for (unsigned i = 0; i < sizeof(text); i++) {
        if (!CHECK(get(5) & 1) || !CHECK_EQ(get(0), (u8)text[i]))
            break;
    }
    CHECK_EQ(get(5), 0x60);
    done();
}

TEST(clearing_fifos)
{
    setup();
    put(2, 0x01);
    CHECK_EQ(vconsole_input(&con, "abc", 3), 3);
    put(2, 0x03);
    CHECK_EQ(get(5), 0x60);
    CHECK_EQ(vconsole_input(&con, "d", 1), 1);
    put(2, 0x00); /* disabling clears too */
    CHECK_EQ(get(5), 0x60);
    CHECK_EQ(get(2), 0x01);
    done();
}

TEST(loopback)
{
    setup();
    CHECK_EQ(get(6), 0xb0);
    put(4, 0x1a); /* RTS, OUT2: as Linux probes */
    CHECK_EQ(get(6) & 0xf0, 0x90);
    put(4, 0x1f);
    CHECK_EQ(get(6) & 0xf0, 0xf0);
    put(1, 0x0d);
    put(0, 'x');
    CHECK_EQ(vconsole_written(&con), 0);
    CHECK_EQ(vconsole_input(&con, "y", 1), 1); /* waits outside */
    put(0, 'z');                               /* one too many */
    CHECK_EQ(get(2), 0x06);
    CHECK_EQ(get(5), 0x63);
    CHECK_EQ(get(2), 0x04);
    CHECK_EQ(get(0), 'x');
    put(4, 0x0b);
    CHECK_EQ(get(0), 'y');
    CHECK_EQ(get(2), 0x00); /* the modem lines have changed */
    (void)get(6);
    CHECK_EQ(get(2), 0x01);
    done();
}

TEST(odd_accesses_and_reset)
{
    setup();
    CHECK_EQ(board_in_wide(&board, COM1, 2), 0xffff);
    CHECK_EQ(board_in_wide(&board, COM1 + 4, 4), 0xffffffff);
    board_out_wide(&board, COM1, 4, 0x41414141);
    CHECK_EQ(vconsole_written(&con), 0);
    for (u16 reg = 0; reg < 8; reg++)
        for (unsigned v = 0; v < 256; v++) {
            put(reg, (u8)v);
            (void)get(reg);
        }
    board_reset(&board);
    CHECK_EQ(get(1), 0);
    CHECK_EQ(get(2), 1);
    CHECK(!line());
    done();
}
