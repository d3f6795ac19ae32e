/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a disk move what lies scattered in memory, in pieces that neither begin nor end a
 * page? Manual: Virtio 1.2, 5.2.6 "Device Operation", 2.7.5.3 "Indirect Descriptors". A failure
 * would be bytes of one piece in the place of another, or beside it. The pattern stays on the disk.
 */
#include "tests/guests/lib/virtio.h"

#define VIRTIO_BLK 0x10421af4u
#define SECTOR     512u
#define PIECES     6u    /* with header and status, as many as the queue has */
#define APART      2052u /* bytes from piece to piece: multiples of 4, as drivers keep them */
#define MARGIN     0x5au

enum { IN = 0, OUT = 1 };

struct header {
    u32 type;
    u32 reserved;
    u64 sector;
};

static struct queue queue;
static struct virtio blk = {.queue = &queue};
static struct header header;
static struct descriptor table[PIECES + 2] __attribute__((aligned(16)));
static u8 memory[PIECES * APART] __attribute__((aligned(4096)));
static volatile u8 status;
static u16 added;

/* Pieces of one sector and of two. */
static u32 length_of(u32 piece)
{
    return SECTOR << piece % 2;
}

static u8 byte_of(u32 piece, u32 at)
{
    return (u8)(piece * 7 + at * 3 + at / 256);
}

static void move(u32 type, u16 flags)
{
    header = (struct header){.type = type, .sector = 3};
    status = 0xff;
    table[0] = (struct descriptor){(u64)&header, sizeof(header), D_NEXT, 1};
    for (u16 i = 0; i < PIECES; i++)
        table[i + 1] =
            (struct descriptor){(u64)memory + i * APART, length_of(i), D_NEXT | flags, i + 2};
    table[PIECES + 1] = (struct descriptor){(u64)&status, 1, D_WRITE, 0};
    queue.table[0] = (struct descriptor){(u64)table, sizeof(table), D_INDIRECT, 0};
    virtio_add(&blk, 0);
    EXPECT(virtio_wait_used(&blk, ++added));
    EXPECT_EQ(status, 0);
}

static void fill(void)
{
    for (u32 i = 0; i < PIECES; i++) {
        for (u32 at = 0; at < APART; at++)
            memory[i * APART + at] = at < length_of(i) ? byte_of(i, at) : MARGIN;
    }
}

static void wipe(void)
{
    for (u32 at = 0; at < sizeof(memory); at++)
        memory[at] = MARGIN;
}

static void check(void)
{
    for (u32 i = 0; i < PIECES; i++) {
        for (u32 at = 0; at < APART; at++)
            EXPECT_EQ(memory[i * APART + at], at < length_of(i) ? byte_of(i, at) : MARGIN);
    }
}

void guest_main(void)
{
    if (!virtio_find(&blk, VIRTIO_BLK))
        failure("no virtio-blk");
    EXPECT_EQ(virtio_start(&blk, F_VERSION_1 | F_INDIRECT), READY);
    fill();
    move(OUT, 0);
    wipe();
    move(IN, D_WRITE);
    check();
}
