/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: drivers/virtio/virtq.c tests/fakes/assert.c */
/* The driver's side of a virtqueue against a device that is simulated here, honest or hostile. */
#include "tests/unit/harness.h"

#include "core/lib/errno.h"
#include "drivers/virtio/virtq.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 8u

static struct virtq q;
static _Alignas(16) u8 memory[8192];
static int tokens[1024];

/* What the device sees, found from the three addresses it is told. */
static u8 *at(u64 address)
{
    return (u8 *)address;
}

static u16 *avail(void)
{
    return (u16 *)(void *)at(q.avail_hpa);
}

static u16 *used(void)
{
    return (u16 *)(void *)at(q.used_hpa);
}

static u16 *used_event(void)
{
    return avail() + 2 + q.size;
}

static u16 *avail_event(void)
{
    return used() + 2 + 4 * q.size;
}

static void start(u16 size, bool has_event_idx)
{
    memset(memory, 0, sizeof memory);
    virtq_init(&q, size, memory, hpa((u64)memory), has_event_idx);
}

static u16 device_idx;

/* The device finishes a chain. */
static void finish(u32 id, u32 bytes)
{
    u32 entry[2] = {id, bytes};

    memcpy(used() + 2 + 4 * (device_idx % q.size), entry, sizeof entry);
    used()[1] = ++device_idx;
}

static int add(u32 count, int *token)
{
    struct virtq_seg segs[SIZE + 1];

    for (u32 i = 0; i < count; i++)
        segs[i] = (struct virtq_seg){hpa(0x1000 * (i + 1)), 100 + i, i > 0};
    return virtq_add(&q, segs, count, token);
}

static u16 last_head(void)
{
    return avail()[2 + (u16)(q.avail_idx - 1) % q.size];
}

static void fresh(u16 size, bool has_event_idx)
{
    device_idx = 0;
    start(size, has_event_idx);
}

TEST(layout_is_the_specification_s)
{
    fresh(256, false);
    CHECK_EQ(q.avail_hpa - q.desc_hpa, 16 * 256);
    CHECK_EQ((q.used_hpa - q.desc_hpa) % 4, 0);
    CHECK(q.used_hpa >= q.avail_hpa + 6 + 2 * 256);
    CHECK_EQ(virtq_bytes(256), q.used_hpa - q.desc_hpa + 6 + 8 * 256);
    CHECK(virtq_bytes(1) < 64);
}

TEST(a_chain_as_the_device_sees_it)
{
    struct virtq_desc *desc = (void *)memory;
    u32 bytes = 0;
    u16 head, next;

    fresh(SIZE, false);
    CHECK_EQ(add(3, &tokens[1]), 0);
    CHECK_EQ(avail()[1], 0); /* not shown yet */
    CHECK(virtq_publish(&q));
    CHECK(!virtq_publish(&q)); /* nothing new */
    CHECK_EQ(avail()[1], 1);
    head = avail()[2];
    CHECK_EQ(desc[head].address, 0x1000);
    CHECK_EQ(desc[head].bytes, 100);
    CHECK_EQ(desc[head].flags, VIRTQ_DESC_F_NEXT);
    next = desc[head].next;
    CHECK_EQ(desc[next].flags, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
    CHECK_EQ(desc[desc[next].next].flags, VIRTQ_DESC_F_WRITE);
    CHECK(virtq_take(&q, &bytes) == NULL);
    finish(head, 203);
    CHECK(virtq_has_used(&q));
    CHECK(virtq_take(&q, &bytes) == &tokens[1]);
    CHECK_EQ(bytes, 203); /* 101 + 102: all it could write */
    CHECK(!virtq_has_used(&q));
    CHECK_EQ(q.free_count, SIZE);
}

TEST(a_full_queue_refuses)
{
    fresh(SIZE, false);
    CHECK_EQ(add(SIZE + 1, &tokens[0]), -ENOSPC);
    CHECK_EQ(add(SIZE - 1, &tokens[0]), 0);
    CHECK_EQ(add(2, &tokens[1]), -ENOSPC);
    CHECK_EQ(q.avail_idx, 1);
    CHECK_EQ(add(1, &tokens[1]), 0);
    CHECK_EQ(q.free_count, 0);
    CHECK(virtq_reclaim(&q) != NULL);
    CHECK(virtq_reclaim(&q) != NULL);
    CHECK(virtq_reclaim(&q) == NULL);
    CHECK_EQ(q.free_count, SIZE);
}

/* Chains of all lengths, finished in any order, far past the wrap of the 16-bit indices. */
TEST(random_traffic)
{
    u16 heads[SIZE];
    int *owners[SIZE];
    u32 out = 0, count = 0, bytes;

    fresh(SIZE, true);
    srand(1);
    for (u32 i = 0; i < 300000; i++) {
        u32 pick = out > 0 ? (u32)rand() % out : 0;

        if (rand() % 2 != 0 && add(1 + (u32)rand() % 3, &tokens[i % 1024]) == 0) {
            heads[out] = last_head();
            owners[out++] = &tokens[i % 1024];
            (void)!virtq_publish(&q);
            count++;
        } else if (out > 0) {
            finish(heads[pick], 0);
            CHECK(virtq_take(&q, &bytes) == owners[pick]);
            heads[pick] = heads[--out];
            owners[pick] = owners[out];
        }
        CHECK_EQ(q.in_flight, out);
    }
    CHECK(count > 0x10000 && !q.is_broken);
}

TEST(notifications_by_flag)
{
    fresh(SIZE, false);
    CHECK_EQ(add(1, &tokens[0]), 0);
    used()[0] = VIRTQ_USED_NO_NOTIFY;
    CHECK(!virtq_publish(&q));
    CHECK_EQ(add(1, &tokens[0]), 0);
    used()[0] = 0;
    CHECK(virtq_publish(&q));
    virtq_irq_off(&q);
    CHECK_EQ(avail()[0], VIRTQ_AVAIL_NO_INTERRUPT);
    CHECK(!virtq_irq_on(&q));
    CHECK_EQ(avail()[0], 0);
    finish(last_head(), 0);
    CHECK(virtq_irq_on(&q)); /* came in between */
}

/* The condition under which the device raises an interrupt. Spec: Virtio 1.2 2.7.7.2. */
static bool would_interrupt(u16 event, u16 new, u16 old)
{
    return (u16)(new - event - 1) < (u16)(new - old);
}

TEST(notifications_by_event_index)
{
    u32 bytes;

    fresh(SIZE, true);
    *avail_event() = 0;
    CHECK_EQ(add(1, &tokens[0]), 0);
    CHECK(virtq_publish(&q)); /* entry 0 is the one it waits for */
    CHECK_EQ(add(1, &tokens[1]), 0);
    CHECK(!virtq_publish(&q)); /* passed long ago */
    *avail_event() = 3;
    CHECK_EQ(add(1, &tokens[2]), 0);
    CHECK(!virtq_publish(&q)); /* entry 2: not yet */
    CHECK_EQ(add(1, &tokens[3]), 0);
    CHECK_EQ(add(1, &tokens[4]), 0);
    CHECK(virtq_publish(&q)); /* entries 3 and 4 at once */
    CHECK(!virtq_irq_on(&q));
    CHECK(would_interrupt(*used_event(), 1, 0));
    finish(avail()[2], 0);
    finish(avail()[3], 0);
    CHECK(virtq_take(&q, &bytes) == &tokens[0]);
    virtq_irq_off(&q);
    CHECK(!would_interrupt(*used_event(), 3, 2));
    CHECK(!would_interrupt(*used_event(), 5, 1));
    CHECK(virtq_irq_on(&q));
}

static void hostile(u32 id, u32 bytes, u16 jump)
{
    u32 out;

    fresh(SIZE, false);
    CHECK_EQ(add(2, &tokens[0]), 0);
    CHECK_EQ(add(1, &tokens[1]), 0);
    (void)!virtq_publish(&q);
    finish(id, bytes);
    used()[1] = (u16)(used()[1] + jump);
    CHECK(virtq_take(&q, &out) == NULL);
    CHECK(q.is_broken);
    CHECK(virtq_take(&q, &out) == NULL);
    CHECK(!virtq_has_used(&q) && !virtq_irq_on(&q));
    CHECK_EQ(add(1, &tokens[2]), -EIO);
    CHECK(virtq_reclaim(&q) != NULL);
    CHECK(virtq_reclaim(&q) != NULL);
    CHECK(virtq_reclaim(&q) == NULL);
}

TEST(a_hostile_device)
{
    u16 first = 0, second;

    fresh(SIZE, false);
    CHECK_EQ(add(2, &tokens[0]), 0);
    second = q.next[first];
    hostile(SIZE, 0, 0);           /* no such descriptor */
    hostile(0xffffffff, 0, 0);     /* far beyond */
    hostile(second, 0, 0);         /* in the middle of a chain */
    hostile(SIZE - 1, 0, 0);       /* a free one */
    hostile(first, 102, 0);        /* more than the 101 bytes it may write */
    hostile(first, 0xffffffff, 0); /* much more */
    hostile(first, 0, 2);          /* more chains than it has */
    hostile(first, 0, 0xfffe);     /* the index runs backwards */
}

TEST(finished_twice)
{
    u32 bytes;
    u16 head;

    fresh(SIZE, false);
    CHECK_EQ(add(1, &tokens[0]), 0);
    CHECK_EQ(add(1, &tokens[1]), 0);
    head = avail()[2];
    finish(head, 0);
    finish(head, 0);
    CHECK(virtq_take(&q, &bytes) == &tokens[0]);
    CHECK(virtq_take(&q, &bytes) == NULL);
    CHECK(q.is_broken);
}

/* It may write anywhere in the rings; what the driver relies on is not there. */
TEST(the_device_scribbles)
{
    u32 bytes;
    u16 head;

    fresh(SIZE, true);
    CHECK_EQ(add(3, &tokens[0]), 0);
    (void)!virtq_publish(&q);
    head = avail()[2];
    memset(memory, 0xff, q.used_hpa - q.desc_hpa);
    finish(head, 10);
    CHECK(virtq_take(&q, &bytes) == &tokens[0]);
    CHECK_EQ(q.free_count, SIZE);
    for (u32 i = 0; i < SIZE; i++)
        CHECK_EQ(add(1, &tokens[i]), 0);
    CHECK_EQ(q.free_count, 0);
}
