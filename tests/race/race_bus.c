/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/bus.c tests/fakes/log.c */
/* The bus: look-ups without a lock see a region whole or not at all while others come and go. */
#include "core/lib/errno.h"
#include "core/vm/bus.h"
#include "core/vm/vdev.h"
#include "tests/race/race.h"

#define DEVICES 16u
#define SPACING 0x100u
#define ROUNDS  20000u
#define WRITERS 2u

static struct bus bus;
static struct vdev devices[DEVICES];

static u64 dev_read(struct vdev *dev, u64 offset, unsigned size unused)
{
    return ((u64)(dev - devices) << 16) | offset;
}

static void dev_write(struct vdev *dev, u64 offset, unsigned size unused, u64 value)
{
    if (value != (((u64)(dev - devices) << 16) | offset))
        CHECK(!"a write went to the wrong device");
}

static const struct bus_ops ops = {dev_read, dev_write};

/* A writer has every other device, so both of a pair of neighbours change. */
static void change(u32 writer)
{
    u32 i = (race_random() % (DEVICES / WRITERS)) * WRITERS + writer;

    bus_remove(&bus, &devices[i]);
    if (race_random() % 4)
        CHECK_EQ(bus_add(&bus, (u64)i * SPACING, 0x20 << (race_random() % 4), &ops, &devices[i]),
                 0);
}

static void look(void)
{
    u64 address = race_random() % (DEVICES * SPACING);
    u64 expected = ((address / SPACING) << 16) | address % SPACING, value;

    if (bus_read(&bus, address, 4, &value))
        CHECK(value == expected);
    else
        CHECK(value == 0xffffffff);
    (void)bus_write(&bus, address, 4, expected);
}

static void run(u32 thread)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        if (thread < WRITERS)
            change(thread);
        else
            look();
    }
}

TEST(readers_and_writers)
{
    bus_init(&bus, "bus");
    race_run(4, run);
}
