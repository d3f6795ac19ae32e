/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: */
/* The queue of typed bytes: bounded, and so is what a device may put into it. */
#include "tests/unit/harness.h"

#include "core/x86/insn.h"

/* There are no interrupts here. */
#define irq_save()     0
#define irq_restore(f) (void)(f)
#include "core/kern/keys.c"

static int device[1000];
static u32 device_at, device_count, wakes;
static bool is_allowed;

static int read_device(void)
{
    return device_at == device_count ? KEYS_EMPTY : device[device_at++];
}

static void allow_device(bool is_on)
{
    is_allowed = is_on;
}

static void count_wake(void)
{
    wakes++;
}

static struct key_source source = {.read = read_device, .allow = allow_device};

static void send(u32 count, int key)
{
    device_at = 0;
    device_count = count;
    for (u32 i = 0; i < count; i++)
        device[i] = key >= 0 ? (key + (int)i) & 0x7f : key;
}

static u32 drain(void)
{
    u32 count = 0;
    u8 key;

    while (keys_get(&key))
        count++;
    return count;
}

static void begin(void)
{
    if (sources == NULL)
        keys_add_source(&source);
    keys_set_wake(count_wake);
    source.left = 0;
    source.has_interrupt = true;
    is_allowed = false;
    (void)drain();
    wakes = 0;
}

TEST(nothing_is_read_before_it_is_asked_for)
{
    begin();
    send(3, 'a');
    CHECK(!keys_take(&source));
    CHECK(!is_allowed);
    CHECK_EQ(device_at, 0);
    CHECK(!keys_refill());
    CHECK(is_allowed);
    CHECK_EQ(wakes, 1);
    CHECK_EQ(drain(), 3);
}

TEST(in_order)
{
    u8 key = 0;

    begin();
    send(0, 0);
    (void)!keys_refill();
    for (u32 round = 0; round < 10; round++) {
        send(20, 'a');
        source.left = KEYS_ALLOWANCE;
        CHECK(keys_take(&source));
        for (u32 i = 0; i < 20; i++) {
            CHECK(keys_get(&key));
            CHECK_EQ(key, 'a' + i);
        }
        CHECK(!keys_get(&key));
    }
}

TEST(a_storm_is_silenced_until_the_next_allowance)
{
    begin();
    send(1000, 0);
    CHECK(keys_refill()); /* at once used up: soon again */
    CHECK_EQ(device_at, KEYS_ALLOWANCE);
    CHECK(!is_allowed);
    CHECK(!keys_take(&source)); /* an interrupt on its way */
    CHECK_EQ(device_at, KEYS_ALLOWANCE);
    CHECK_EQ(drain(), KEYS_ALLOWANCE);
    CHECK(keys_refill());
    CHECK_EQ(device_at, 2 * KEYS_ALLOWANCE);
}

TEST(what_nobody_typed_counts_too)
{
    begin();
    send(1000, KEYS_NOTHING);
    CHECK(keys_refill());
    CHECK_EQ(device_at, KEYS_ALLOWANCE);
    CHECK_EQ(wakes, 0);
    CHECK_EQ(drain(), 0);
}

TEST(a_full_queue_loses_what_comes)
{
    begin();
    send(1000, 0);
    for (u32 i = 0; i < 5; i++)
        CHECK(keys_refill());
    CHECK_EQ(drain(), KEYS_QUEUE);
}

TEST(without_interrupts_it_is_polled)
{
    begin();
    source.has_interrupt = false;
    send(0, 0);
    CHECK(keys_refill());
}
