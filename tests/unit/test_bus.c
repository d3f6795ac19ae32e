/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vm/bus.c */
/* Port and MMIO look-up. */
#include "core/lib/errno.h"
#include "core/vm/bus.h"
#include "tests/unit/harness.h"

static u64 last_offset, last_value;
static unsigned last_size;

static u64 on_read(struct vdev *dev, u64 offset, unsigned size)
{
    (void)dev;
    last_offset = offset;
    last_size = size;
    return 0x1122334455667788ull;
}

static void on_write(struct vdev *dev, u64 offset, unsigned size, u64 value)
{
    (void)dev;
    last_offset = offset;
    last_size = size;
    last_value = value;
}

static const struct bus_ops ops = {on_read, on_write};
static struct bus bus;
static struct vdev *const device_a = (struct vdev *)0x1000;
static struct vdev *const device_b = (struct vdev *)0x2000;

static void fill(void)
{
    bus_init(&bus, "test");
    CHECK_EQ(bus_add(&bus, 0x3f8, 8, &ops, device_a), 0);
    CHECK_EQ(bus_add(&bus, 0x20, 2, &ops, device_b), 0);
    CHECK_EQ(bus_add(&bus, 0x400, 8, &ops, device_b), 0);
}

TEST(reads_are_relative_and_cut_to_their_size)
{
    u64 value;

    fill();
    CHECK(bus_read(&bus, 0x3fa, 2, &value));
    CHECK_EQ(last_offset, 2);
    CHECK_EQ(last_size, 2);
    CHECK_EQ(value, 0x7788);
    CHECK(bus_write(&bus, 0x21, 1, 0x5a));
    CHECK_EQ(last_offset, 1);
    CHECK_EQ(last_value, 0x5a);
}

TEST(nothing_there_reads_all_ones)
{
    u64 value;

    fill();
    CHECK(!bus_read(&bus, 0x1f0, 1, &value));
    CHECK_EQ(value, 0xff);
    CHECK(!bus_read(&bus, 0x1f0, 4, &value));
    CHECK_EQ(value, 0xffffffff);
    CHECK(!bus_read(&bus, 0x1f0, 8, &value));
    CHECK_EQ(value, ~0ull);
    CHECK(!bus_write(&bus, 0x22, 1, 0));
}

TEST(an_access_across_a_border_reaches_nobody)
{
    u64 value;

    fill();
    CHECK(!bus_read(&bus, 0x3ff, 2, &value));
    CHECK(!bus_read(&bus, 0x3f6, 4, &value));
    CHECK(!bus_read(&bus, 0x407, 2, &value));
    CHECK(bus_read(&bus, 0x406, 2, &value));
}

TEST(overlaps_and_nonsense_are_refused)
{
    fill();
    CHECK_EQ(bus_add(&bus, 0x3ff, 1, &ops, device_b), -EEXIST);
    CHECK_EQ(bus_add(&bus, 0x3f0, 9, &ops, device_b), -EEXIST);
    CHECK_EQ(bus_add(&bus, 0, ~0ull, &ops, device_b), -EEXIST);
    CHECK_EQ(bus_add(&bus, 0x500, 0, &ops, device_b), -EINVAL);
    CHECK_EQ(bus_add(&bus, ~0ull, 2, &ops, device_b), -EINVAL);
    CHECK_EQ(bus_add(&bus, 0x3f0, 8, &ops, device_b), 0); /* touches, does not overlap */
}

TEST(removal_and_the_limit)
{
    u64 value;

    fill();
    bus_remove(&bus, device_b);
    CHECK_EQ(bus.count, 1);
    CHECK(!bus_read(&bus, 0x20, 1, &value));
    CHECK(bus_read(&bus, 0x3f8, 1, &value));
    bus_init(&bus, "full");
    for (u64 i = 0; i < BUS_REGIONS_MAX; i++)
        CHECK_EQ(bus_add(&bus, 16 * i, 8, &ops, device_a), 0);
    CHECK_EQ(bus_add(&bus, 16 * BUS_REGIONS_MAX, 8, &ops, device_a), -ENOSPC);
}

TEST(one_region_moves)
{
    u64 value;

    fill();
    CHECK_EQ(bus_remove_at(&bus, 0x400, device_a), -ENOENT); /* another's */
    CHECK_EQ(bus_remove_at(&bus, 0x401, device_b), -ENOENT);
    CHECK_EQ(bus_remove_at(&bus, 0x400, device_b), 0);
    CHECK(!bus_read(&bus, 0x400, 1, &value));
    CHECK(bus_read(&bus, 0x20, 1, &value));
    CHECK_EQ(bus_add(&bus, 0x3f0, 8, &ops, device_b), 0);
    CHECK(bus_read(&bus, 0x3f7, 1, &value));
    CHECK_EQ(bus.generation % 2, 0);
}
