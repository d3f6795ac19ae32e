/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does memory put into the balloon come back as zeroes when it is touched, and does a
 * driver that lies about pages harm nobody but itself? Manual: Virtio 1.2, 5.5 "Traditional Memory
 * Balloon Device". A failure would be a guest that keeps pages others have by now, or a host CPU
 * that is busy without end.
 */
#include "tests/guests/lib/virtio.h"

#define VIRTIO_BALLOON 0x10451af4u
#define FRAME          (2u << 20)
#define FRAME_PAGES    512u
#define PLACE          ((u64)16 << 20) /* memory that this program does not use */
#define FRAMES         8u
#define ROUNDS         50u
#define MARK           0x0123456789abcdefull

static struct queue queue;
static struct virtio balloon = {.queue = &queue};
static u32 pages[1024] __attribute__((aligned(4096)));
static u16 given;

static void begin(void)
{
    EXPECT_EQ(virtio_start(&balloon, F_VERSION_1), READY);
    given = 0;
}

/* A list of pages for the balloon. */
static void give(u64 list, u32 bytes)
{
    queue.table[0] = (struct descriptor){list, bytes, 0, 0};
    virtio_add(&balloon, 0);
    EXPECT(virtio_wait_used(&balloon, ++given));
}

static void inflate(u64 at)
{
    for (u32 i = 0; i < FRAME_PAGES; i++)
        pages[i] = (u32)(at >> 12) + i;
    give((u64)pages, FRAME_PAGES * 4);
}

static volatile u64 *word(u64 at, u32 page)
{
    return (volatile u64 *)(at + page * 4096ull + page * 8);
}

static void mark(u64 at)
{
    for (u32 i = 0; i < FRAME_PAGES; i++)
        *word(at, i) = MARK;
}

/* Ballooned memory is gone at once: each page reads as zero, and can be written again. */
static void lose_memory(void)
{
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 at = PLACE + round % FRAMES * FRAME;

        begin();
        mark(at);
        mark(at + FRAME);
        inflate(at);
        for (u32 i = 0; i < FRAME_PAGES; i++)
            EXPECT_EQ(*word(at, i), 0);
        mark(at);
        for (u32 i = 0; i < FRAME_PAGES; i++) {
            EXPECT_EQ(*word(at, i), MARK);
            EXPECT_EQ(*word(at + FRAME, i), MARK);
        }
    }
}

/* The device reads a list out of memory that is in the balloon: it finds zeroes, as we would. */
static void list_in_the_balloon(void)
{
    begin();
    inflate(PLACE);
    give(PLACE, FRAME_PAGES * 4);
    EXPECT_EQ(*word(PLACE, 0), 0);
}

static void lie(void)
{
    static const u32 nowhere[] = {0x80000, 0xb0000, 0xc0000,  0xe0000,    0xfec00,
                                  0xfee00, 0xfffff, 0x100000, 0x7fffffff, 0xffffffff};

    begin();
    for (u32 i = 0; i < 1024; i++)
        pages[i] = nowhere[i % (sizeof(nowhere) / sizeof(nowhere[0]))];
    give((u64)pages, sizeof(pages));
    for (u32 i = 0; i < 1024; i++)
        pages[i] = (u32)(PLACE >> 12); /* one page again and again */
    mark(PLACE);
    give((u64)pages, sizeof(pages));
    EXPECT_EQ(*word(PLACE, 1), MARK);
    give((u64)pages, 3);
    give(PLACE, 8 * FRAME); /* a list without end, of nonsense */
    give((u64)pages, 4);
}

void guest_main(void)
{
    if (!virtio_find(&balloon, VIRTIO_BALLOON))
        failure("no virtio-balloon");
    lose_memory();
    list_in_the_balloon();
    lie();
    begin();
    inflate(PLACE + FRAME);
    EXPECT_EQ(*word(PLACE + FRAME, 7), 0);
}
