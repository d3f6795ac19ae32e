/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/vdev/virtqueue.c tests/fakes/fake_gmem.c */
/* A split ring with a driver that keeps the rules, and with one that breaks each of them. */
#include "core/vdev/virtqueue.h"

#include <string.h>

#include "core/lib/errno.h"
#include "tests/fakes/fake_gmem.h"
#include "tests/unit/harness.h"

#define SIZE     8u
#define TABLE    0x1000u
#define DRIVER   0x2000u
#define DEVICE   0x3000u
#define DATA     0x0800u
#define NEXT     1u
#define WRITE    2u
#define INDIRECT 4u

static struct virtqueue queue;
static struct virtq_chain chain;
static u16 added;

static void put(u64 at, unsigned bytes, u64 value)
{
    memcpy(fake_ram + at, &value, bytes);
}

static u64 get(u64 at, unsigned bytes)
{
    u64 value = 0;

    memcpy(&value, fake_ram + at, bytes);
    return value;
}

static void set_up(void)
{
    virtqueue_reset(&queue);
    queue.size = SIZE;
    queue.descriptors = TABLE;
    queue.driver = DRIVER;
    queue.device = DEVICE;
    queue.has_indirect = true;
    queue.is_enabled = true;
}

static void setup(bool has_event_idx)
{
    fake_gmem_init(0);
    added = 0;
    virtqueue_init(&queue, NULL, VIRTQ_SIZE_MAX);
    set_up();
    queue.has_event_idx = has_event_idx;
    CHECK_EQ(virtqueue_start(&queue), 0);
}

static void descriptor_at(u64 at, u64 address, u32 bytes, u16 flags, u16 next)
{
    put(at, 8, address);
    put(at + 8, 4, bytes);
    put(at + 12, 2, flags);
    put(at + 14, 2, next);
}

static void descriptor(u16 i, u64 address, u32 bytes, u16 flags, u16 next)
{
    descriptor_at(TABLE + i * 16u, address, bytes, flags, next);
}

static void add(u16 head)
{
    put(DRIVER + 4 + added % SIZE * 2, 2, head);
    put(DRIVER + 2, 2, ++added);
}

static int pop(void)
{
    return virtqueue_pop(&queue, &chain);
}

TEST(chains_come_and_go)
{
    u8 bytes[16] = {0};

    setup(false);
    CHECK_EQ(pop(), -EAGAIN);
    descriptor(3, DATA, 4, NEXT, 5);
    descriptor(5, DATA + 0x10, 3, NEXT | WRITE, 0);
    descriptor(0, DATA + 0x20, 5, WRITE, 7);
    memcpy(fake_ram + DATA, "abcd", 4);
    add(3);
    CHECK_EQ(pop(), 0);
    CHECK_EQ(chain.head, 3);
    CHECK_EQ(chain.count, 3);
    CHECK_EQ(chain.read_count, 1);
    CHECK_EQ(chain.read_bytes, 4);
    CHECK_EQ(chain.write_bytes, 8);
    CHECK_EQ(virtq_chain_read(NULL, &chain, 1, bytes, 16), 3);
    CHECK(memcmp(bytes, "bcd", 3) == 0);
    CHECK_EQ(virtq_chain_read(NULL, &chain, 4, bytes, 1), 0);
    CHECK_EQ(virtq_chain_write(NULL, &chain, 2, "xyz", 3), 3);
    CHECK(memcmp(fake_ram + DATA + 0x12, "x", 2) == 0);
    CHECK(memcmp(fake_ram + DATA + 0x20, "yz", 3) == 0);
    CHECK_EQ(virtq_chain_write(NULL, &chain, 0, "0123456789", 10), 8);
    virtqueue_push(&queue, &chain, 8);
    CHECK_EQ(get(DEVICE, 4), 1u << 16);
    CHECK_EQ(get(DEVICE + 4, 8), 3 | 8ull << 32);
    CHECK(virtqueue_wants_interrupt(&queue));
    CHECK(!virtqueue_wants_interrupt(&queue)); /* nothing new */
    CHECK_EQ(pop(), -EAGAIN);
}

TEST(indices_wrap)
{
    setup(true);
    descriptor(0, DATA, 4, WRITE, 0);
    for (u32 i = 0; i < 70000; i++) {
        add(0);
        if (pop() != 0)
            CHECK(false);
        virtqueue_push(&queue, &chain, i);
    }
    CHECK_EQ(get(DEVICE + 2, 2), 70000 % 65536);
    CHECK(!queue.is_broken);
}

TEST(indirect)
{
    setup(false);
    descriptor_at(0x100, DATA, 4, NEXT, 2);
    descriptor_at(0x120, DATA + 8, 8, WRITE, 0);
    descriptor(1, 0x100, 48, INDIRECT, 0);
    add(1);
    CHECK_EQ(pop(), 0);
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.write_bytes, 8);
    descriptor(2, DATA, 1, NEXT, 1); /* a direct one first, then the table */
    add(2);
    CHECK_EQ(pop(), 0);
    CHECK_EQ(chain.count, 3);
}

TEST(interrupts_by_flag_and_by_index)
{
    setup(false);
    descriptor(0, DATA, 4, WRITE, 0);
    put(DRIVER, 2, 1);
    add(0);
    CHECK_EQ(pop(), 0);
    virtqueue_push(&queue, &chain, 0);
    CHECK(!virtqueue_wants_interrupt(&queue));
    setup(true);
    descriptor(0, DATA, 4, WRITE, 0);
    put(DRIVER + 4 + 2 * SIZE, 2, 2); /* wake me when the third one is there */
    for (unsigned i = 0; i < 5; i++) {
        add(0);
        CHECK_EQ(pop(), 0);
        virtqueue_push(&queue, &chain, 0);
        CHECK_EQ(virtqueue_wants_interrupt(&queue), i == 2);
    }
}

TEST(doorbells_by_flag_and_by_index)
{
    setup(false);
    virtqueue_mute(&queue);
    CHECK_EQ(get(DEVICE, 2), 1);
    CHECK(!virtqueue_listen(&queue));
    CHECK_EQ(get(DEVICE, 2), 0);
    setup(true);
    descriptor(0, DATA, 4, WRITE, 0);
    for (unsigned i = 0; i < 3; i++) {
        add(0);
        CHECK_EQ(pop(), 0);
    }
    CHECK_EQ(get(DEVICE + 4 + 8 * SIZE, 2), 0);
    CHECK_EQ(pop(), -EAGAIN);
    CHECK_EQ(get(DEVICE + 4 + 8 * SIZE, 2), 3); /* the next one rings */
    virtqueue_mute(&queue);
    add(0);
    CHECK_EQ(pop(), 0);
    CHECK_EQ(pop(), -EAGAIN);
    CHECK_EQ(get(DEVICE + 4 + 8 * SIZE, 2), 3);
    add(0);
    CHECK(virtqueue_listen(&queue));
    CHECK_EQ(get(DEVICE + 4 + 8 * SIZE, 2), 4);
}

TEST(a_chain_from_before_a_reset_vanishes)
{
    setup(false);
    descriptor(0, DATA, 4, WRITE, 0);
    add(0);
    CHECK_EQ(pop(), 0);
    virtqueue_push(&queue, &chain, 1);
    set_up();
    CHECK_EQ(virtqueue_start(&queue), 0);
    fake_gmem_init(0);
    virtqueue_push(&queue, &chain, 1);
    CHECK_EQ(get(DEVICE, 4), 0);
    CHECK(!virtqueue_wants_interrupt(&queue));
}

static int start_with(u16 size, u64 descriptors, u64 driver, u64 device)
{
    set_up();
    queue.size = size;
    queue.descriptors = descriptors;
    queue.driver = driver;
    queue.device = device;
    return virtqueue_start(&queue);
}

TEST(rings_in_wrong_places)
{
    setup(false);
    CHECK_EQ(start_with(SIZE, TABLE, DRIVER, DEVICE), 0);
    CHECK_EQ(start_with(0, TABLE, DRIVER, DEVICE), -EPROTO);
    CHECK_EQ(start_with(7, TABLE, DRIVER, DEVICE), -EPROTO);
    CHECK_EQ(start_with(512, 0, 0, 0), -EPROTO);
    CHECK_EQ(start_with(SIZE, TABLE + 8, DRIVER, DEVICE), -EPROTO);
    CHECK_EQ(start_with(SIZE, TABLE, DRIVER + 1, DEVICE), -EPROTO);
    CHECK_EQ(start_with(SIZE, TABLE, DRIVER, DEVICE + 2), -EPROTO);
    CHECK_EQ(start_with(SIZE, FAKE_RAM_BYTES - 64, DRIVER, DEVICE), -EPROTO);
    CHECK_EQ(start_with(SIZE, TABLE, FAKE_RAM_BYTES - 4 - 2 * SIZE, DEVICE), -EPROTO);
    CHECK_EQ(start_with(SIZE, TABLE, DRIVER, FAKE_RAM_BYTES - 4 - 8 * SIZE), -EPROTO);
    CHECK_EQ(start_with(SIZE, ~0ull & ~15ull, DRIVER, DEVICE), -EPROTO);
    CHECK_EQ(pop(), -EAGAIN); /* not live */
    CHECK(!virtqueue_listen(&queue));
    virtqueue_mute(&queue);
}

/* Whatever was added breaks the queue, for good. */
static void check_breaks(void)
{
    CHECK_EQ(pop(), -EPROTO);
    CHECK(queue.is_broken);
    CHECK_EQ(pop(), -EAGAIN);
}

TEST(hostile_drivers)
{
    setup(false);
    put(DRIVER + 2, 2, SIZE + 1); /* more than fits */
    check_breaks();
    setup(false);
    add(SIZE); /* no such descriptor */
    check_breaks();
    setup(false);
    descriptor(0, DATA, 4, NEXT, 1); /* a loop */
    descriptor(1, DATA, 4, NEXT, 0);
    add(0);
    check_breaks();
    setup(false);
    descriptor(0, DATA, 4, NEXT, SIZE);
    add(0);
    check_breaks();
    setup(false);
    descriptor(0, FAKE_RAM_BYTES - 2, 4, WRITE, 0);
    add(0);
    check_breaks();
    setup(false);
    descriptor(0, ~0ull - 1, 4, WRITE, 0); /* wraps */
    add(0);
    check_breaks();
    setup(false);
    descriptor(0, DATA, 0xffffffff, 0, 0);
    add(0);
    check_breaks();
    setup(false);
    descriptor(0, DATA, 4, WRITE | NEXT, 1); /* written before read */
    descriptor(1, DATA, 4, 0, 0);
    add(0);
    check_breaks();
}

static void check_indirect_breaks(u64 address, u32 bytes, u16 flags)
{
    setup(false);
    descriptor_at(0x100, DATA, 4, 0, 0);
    descriptor_at(0x110, 0x100, 16, INDIRECT, 0);
    descriptor_at(0x120, DATA, 4, NEXT, 1); /* beyond a table of one */
    descriptor_at(0x130, DATA, 4, NEXT, 0); /* to itself */
    descriptor(0, address, bytes, flags, 0);
    add(0);
    check_breaks();
}

TEST(hostile_indirect_tables)
{
    check_indirect_breaks(0x100, 0, INDIRECT);
    check_indirect_breaks(0x100, 8, INDIRECT);
    check_indirect_breaks(0x100, 16, INDIRECT | NEXT);
    check_indirect_breaks(0x110, 16, INDIRECT); /* a table in a table */
    check_indirect_breaks(0x120, 16, INDIRECT);
    check_indirect_breaks(0x130, 16, INDIRECT);
    check_indirect_breaks(0x100, (SIZE + 1) * 16, INDIRECT);
    check_indirect_breaks(FAKE_RAM_BYTES - 8, 16, INDIRECT);
    setup(false);
    queue.has_indirect = false; /* not negotiated */
    descriptor_at(0x100, DATA, 4, 0, 0);
    descriptor(0, 0x100, 16, INDIRECT, 0);
    add(0);
    check_breaks();
}
