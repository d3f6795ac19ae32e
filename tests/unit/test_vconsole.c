/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/vconsole.c tests/fakes/fake_board.c tests/fakes/fake_board_net.c
 * tests/fakes/fake_timer.c
 */
/* The console rings: offsets, overwriting, the input queue, notifications. */
#include "tests/unit/harness.h"

#include <string.h>

#include "core/lib/errno.h"
#include "core/vdev/vconsole.h"

static struct vconsole con;
static int outputs, inputs;

static void on_output(void *arg)
{
    (void)arg;
    outputs++;
}

static void on_input(void *arg)
{
    u8 byte;

    (void)arg;
    inputs++;
    CHECK(vconsole_get(&con, &byte)); /* no lock is held */
}

static void setup(u32 bytes)
{
    CHECK_EQ(vconsole_init(&con, bytes), 0);
    con.on_output = on_output;
    outputs = inputs = 0;
}

static void put(const char *s)
{
    while (*s)
        vconsole_put(&con, (u8)*s++);
}

TEST(sizes)
{
    CHECK_EQ(vconsole_init(&con, 0), -EINVAL);
    CHECK_EQ(vconsole_init(&con, 100), -EINVAL);
}

/* Pieces written at once are the same bytes, around the ring's end and longer than it. */
TEST(write_at_once)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char buf[16] = "";
    u64 offset = 0;

    setup(8);
    vconsole_write(&con, text, 0);
    CHECK_EQ(outputs, 0);
    vconsole_write(&con, text, 5);
    vconsole_write(&con, text + 5, 6);
    CHECK_EQ(outputs, 1);
    CHECK_EQ(vconsole_read(&con, &offset, buf, sizeof(buf)), 8);
    CHECK_EQ(memcmp(buf, "3456789a", 8), 0);
    CHECK_EQ(offset, 11);
    vconsole_write(&con, text + 11, 20);
    CHECK_EQ(outputs, 2);
    CHECK_EQ(vconsole_written(&con), 31);
    CHECK_EQ(vconsole_read(&con, &offset, buf, sizeof(buf)), 8);
    CHECK_EQ(memcmp(buf, "nopqrstu", 8), 0);
    vconsole_fini(&con);
}

TEST(read_and_offsets)
{
    char buf[16] = "";
    u64 offset = 0;

    setup(8);
    put("abcdef");
    CHECK_EQ(vconsole_read(&con, &offset, buf, 4), 4);
    CHECK_EQ(memcmp(buf, "abcd", 4), 0);
    CHECK_EQ(offset, 4);
    CHECK_EQ(vconsole_read(&con, &offset, buf, 16), 2);
    CHECK_EQ(vconsole_read(&con, &offset, buf, 16), 0);
    put("ghijklmnop"); /* 16 in all, the oldest kept is i */
    CHECK_EQ(vconsole_oldest(&con), 8);
    CHECK_EQ(vconsole_written(&con), 16);
    CHECK_EQ(vconsole_read(&con, &offset, buf, 16), 8);
    CHECK_EQ(memcmp(buf, "ijklmnop", 8), 0);
    CHECK_EQ(offset, 16);
    put("qr");
    offset = 14;
    CHECK_EQ(vconsole_read(&con, &offset, buf, 16), 4); /* across the ring's end */
    CHECK_EQ(memcmp(buf, "opqr", 4), 0);
    offset = 1000; /* the future */
    CHECK_EQ(vconsole_read(&con, &offset, buf, 16), 0);
    CHECK_EQ(offset, 1000);
    vconsole_fini(&con);
}

TEST(one_notification_per_silence)
{
    char buf[16];
    u64 offset = 0;

    setup(64);
    put("many bytes");
    CHECK_EQ(outputs, 1);
    CHECK_EQ(vconsole_read(&con, &offset, buf, 2), 2);
    put("!");
    CHECK_EQ(outputs, 2);
    (void)vconsole_written(&con);
    put("!!");
    CHECK_EQ(outputs, 3);
    vconsole_fini(&con);
}

TEST(input)
{
    static u8 big[VCONSOLE_INPUT_MAX + 10];
    u8 byte;

    setup(8);
    CHECK(!vconsole_has_input(&con));
    CHECK(!vconsole_get(&con, &byte));
    CHECK_EQ(vconsole_input(&con, "xy", 2), 2);
    CHECK(vconsole_has_input(&con));
    CHECK(vconsole_get(&con, &byte));
    CHECK_EQ(byte, 'x');
    CHECK_EQ(vconsole_input(&con, big, sizeof(big)), VCONSOLE_INPUT_MAX - 1);
    CHECK_EQ(vconsole_input(&con, "z", 1), 0);
    vconsole_attach(&con, on_input, NULL);
    CHECK(vconsole_get(&con, &byte));
    CHECK_EQ(vconsole_input(&con, "z", 1), 1);
    CHECK_EQ(inputs, 1);
    vconsole_attach(&con, NULL, NULL);
    CHECK_EQ(vconsole_input(&con, "z", 1), 1);
    CHECK_EQ(inputs, 1);
    vconsole_fini(&con);
}

/* Most consoles are never typed at: they have memory for that only meanwhile. */
TEST(input_takes_memory_while_it_waits)
{
    u8 byte;

    setup(8);
    CHECK(con.input == NULL);
    for (u32 i = 0; i < 3; i++) {
        CHECK_EQ(vconsole_input(&con, "xy", 2), 2);
        CHECK(vconsole_get(&con, &byte));
        CHECK(con.input != NULL);
        CHECK(vconsole_get(&con, &byte));
        CHECK_EQ(byte, 'y');
        CHECK(con.input == NULL);
    }
    CHECK_EQ(vconsole_input(&con, "z", 1), 1);
    vconsole_fini(&con);
}
