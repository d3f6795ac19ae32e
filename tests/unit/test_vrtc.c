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
/* The real-time clock: calendar, formats, setting, update flag, alarms, periodic interrupts, CMOS.
 */
#include "tests/unit/harness.h"

#include <time.h>

#include "core/vdev/vdevs.h"
#include "core/vdev/virq_impl.h"
#include "core/vdev/vpic.h"
#include "core/vdev/vrtc_time.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/fake_timer.h"

#define START 1700000000ull /* Tuesday 2023-11-14 22:13:20 */

static struct board board;

static void setup(void)
{
    board_init(&board, 1);
    CHECK_EQ(vpic_create(&board.vm), 0);
    CHECK_EQ(vrtc_create(&board.vm, START, 3 * GiB, GiB), 0);
}

static u8 get(u8 reg)
{
    board_out(&board, 0x70, reg);
    return board_in(&board, 0x71);
}

static void put(u8 reg, u8 value)
{
    board_out(&board, 0x70, reg);
    board_out(&board, 0x71, value);
}

/* The level of line 8. */
static bool line(void)
{
    return board.vm.virq->pic->slave.lines & 1;
}

TEST(calendar_agrees_with_libc)
{
    for (u64 s = 0; s < 8000000000ull; s += 8640007) {
        time_t t = (time_t)s;
        struct tm tm;
        struct rtc_time r = rtc_time_from_unix(s);

        gmtime_r(&t, &tm);
        if (!CHECK(r.year == (u32)tm.tm_year + 1900 && r.month == (u32)tm.tm_mon + 1 &&
                   r.day == (u32)tm.tm_mday && r.hour == (u32)tm.tm_hour &&
                   r.minute == (u32)tm.tm_min && r.second == (u32)tm.tm_sec &&
                   r.weekday == (u32)tm.tm_wday + 1))
            break;
        if (!CHECK_EQ(rtc_time_to_unix(&r), s))
            break;
    }
}

TEST(shows_time)
{
    setup();
    CHECK_EQ(get(0x00), 0x20);
    CHECK_EQ(get(0x02), 0x13);
    CHECK_EQ(get(0x04), 0x22);
    CHECK_EQ(get(0x06), 3);
    CHECK_EQ(get(0x07), 0x14);
    CHECK_EQ(get(0x08), 0x11);
    CHECK_EQ(get(0x09), 0x23);
    CHECK_EQ(get(0x32), 0x20);
    CHECK_EQ(get(0x0d), 0x80);
    put(0x0b, 0x04); /* binary, 12 hours */
    CHECK_EQ(get(0x00), 20);
    CHECK_EQ(get(0x04), 0x80 | 10);
    fake_time_advance(2 * 3600 * NS_PER_S);
    CHECK_EQ(get(0x04), 12); /* midnight */
    CHECK_EQ(get(0x07), 15);
    CHECK_EQ(fake_timer_fired(), 0);
    board_fini(&board);
}

TEST(setting_the_clock)
{
    setup();
    put(0x0b, 0x82); /* SET */
    put(0x00, 0x59);
    put(0x02, 0x59);
    put(0x04, 0x23);
    put(0x07, 0x31);
    put(0x08, 0x12);
    put(0x09, 0x99);
    put(0x32, 0x19);
    fake_time_advance(10 * NS_PER_S);
    CHECK_EQ(get(0x00), 0x59);
    CHECK_EQ(get(0x0a) & 0x80, 0);
    put(0x0b, 0x02);
    fake_time_advance(NS_PER_S);
    CHECK_EQ(get(0x00), 0x00);
    CHECK_EQ(get(0x09), 0x00);
    CHECK_EQ(get(0x32), 0x20);
    put(0x02, 0x30); /* without SET too */
    CHECK_EQ(get(0x02), 0x30);
    CHECK_EQ(get(0x04), 0x00);
    put(0x0b, 0x82);
    for (u8 reg = 0; reg < 10; reg++) /* nonsense does no harm */
        put(reg, 0xff);
    put(0x32, 0xff);
    put(0x0b, 0x72);
    (void)get(0x0c);
    fake_time_advance(2 * NS_PER_S);
    (void)get(0x00);
    board_fini(&board);
}

TEST(update_in_progress)
{
    setup();
    CHECK_EQ(get(0x0a), 0x26);
    fake_time_advance(NS_PER_S - 244 * NS_PER_US);
    CHECK_EQ(get(0x0a), 0xa6);
    fake_time_advance(244 * NS_PER_US);
    CHECK_EQ(get(0x0a), 0x26);
    CHECK_EQ(get(0x0c), 0x50); /* flags without enables: no IRQF; the periodic flag too */
    CHECK_EQ(get(0x0c), 0);
    board_fini(&board);
}

TEST(update_interrupt)
{
    setup();
    put(0x0b, 0x12);
    CHECK(!line());
    fake_time_advance(NS_PER_S);
    CHECK(line());
    CHECK_EQ(get(0x0c) & 0x90, 0x90);
    CHECK(!line());
    fake_time_advance(NS_PER_S);
    CHECK(line());
    put(0x0b, 0x92); /* SET clears the enable */
    CHECK_EQ(get(0x0b), 0x82);
    board_fini(&board);
}

TEST(alarm)
{
    setup();
    put(0x01, 0x25);
    put(0x03, 0xc0); /* any */
    put(0x05, 0xff);
    put(0x0b, 0x22);
    fake_time_advance(4 * NS_PER_S);
    CHECK(!line());
    fake_time_advance(NS_PER_S);
    CHECK(line());
    CHECK_EQ(get(0x0c) & 0xa0, 0xa0);
    fake_time_advance(59 * NS_PER_S);
    CHECK(!line());
    fake_time_advance_late(30 * NS_PER_S); /* late, but not lost */
    CHECK(line());
    board_fini(&board);
}

TEST(periodic_interrupt)
{
    unsigned count = 0;

    setup();
    (void)get(0x0c);
    put(0x0b, 0x42);
    for (int i = 0; i < 4096; i++) {
        fake_time_advance(NS_PER_S / 4096 + 1);
        if (line()) {
            count++;
            CHECK_EQ(get(0x0c) & 0xc0, 0xc0);
        }
    }
    CHECK(count >= 1023 && count <= 1025);
    put(0x0a, 0x20); /* off */
    (void)get(0x0c);
    fake_time_advance(NS_PER_S);
    CHECK(!line());
    put(0x0a, 0x21); /* the fastest */
    fake_time_advance(NS_PER_S);
    CHECK(fake_timer_fired() < 10000);
    board_fini(&board);
}

TEST(memory)
{
    setup();
    CHECK_EQ(get(0x15) | get(0x16) << 8, 640);
    CHECK_EQ(get(0x17) | get(0x18) << 8, 0xffff);
    CHECK_EQ(get(0x34) | get(0x35) << 8, (3 * GiB - 16 * MiB) / 65536);
    CHECK_EQ(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, GiB / 65536);
    put(0x8f, 0x5a); /* the NMI mask bit is not part of the index */
    CHECK_EQ(get(0x0f), 0x5a);
    board_reset(&board);
    CHECK_EQ(get(0x0f), 0x5a);
    CHECK_EQ(board_in(&board, 0x70), 0xff);
    CHECK_EQ(board_in_wide(&board, 0x70, 2), 0xffff);
    board_out_wide(&board, 0x70, 2, 0x1234);
    board_fini(&board);
}
