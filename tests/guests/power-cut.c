/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is what a guest has flushed on the disk, whenever the power fails? This guest goes on
 * writing where the disk's content says that it was, slot after slot, and flushes: whoever switches
 * the host off in the middle reads "flushed N" on its console, and then the disk. Each sector says
 * which write it is of, for a block may be torn. Manual: Virtio 1.2, 5.2.6 "Device Operation".
 */
#include "tests/guests/lib/virtio.h"

#define VIRTIO_BLK  0x10421af4u
#define F_BLK_FLUSH (1ull << 9)
#define T_IN        0u
#define T_OUT       1u
#define T_FLUSH     4u

#define SECTOR 512u
#define BLOCK  4096u
#define WORDS  (SECTOR / sizeof(u64))
#define SLOTS  64u
#define STRIDE 17u /* blocks from slot to slot: each is in an extent of 64 KiB of its own */

static struct queue queue;
static struct virtio blk = {.queue = &queue};
static struct {
    u32 type;
    u32 reserved;
    u64 sector;
} header;
static volatile u8 status;
static u64 data[BLOCK / sizeof(u64)] __attribute__((aligned(4096)));
static u16 added;

static void request(u32 type, u64 slot)
{
    header.type = type;
    header.sector = slot * STRIDE * (BLOCK / SECTOR);
    status = 0xff;
    queue.table[0] = (struct descriptor){(u64)&header, sizeof(header), D_NEXT, 1};
    queue.table[1] =
        (struct descriptor){(u64)data, BLOCK, D_NEXT | (type == T_IN ? D_WRITE : 0), 2};
    queue.table[2] = (struct descriptor){(u64)&status, 1, D_WRITE, 0};
    if (type == T_FLUSH)
        queue.table[0].next = 2;
    virtio_add(&blk, 0);
    added++;
    while (virtio_used(&blk) != added)
        __asm__ volatile("pause");
    EXPECT_EQ(status, 0);
}

/* The number of the newest write that any sector is of. */
static u64 newest(void)
{
    u64 number = 0;

    for (u64 slot = 0; slot < SLOTS; slot++) {
        request(T_IN, slot);
        for (u32 at = 0; at < BLOCK / sizeof(u64); at += WORDS)
            number = data[at] > number ? data[at] : number;
    }
    return number;
}

void guest_main(void)
{
    u64 number;

    pic_disable();
    if (!virtio_find(&blk, VIRTIO_BLK))
        failure("no virtio-blk");
    mmio_write16(blk.config + PCI_COMMAND, CMD_MEMORY | CMD_MASTER | CMD_INTX_OFF);
    EXPECT_EQ(virtio_start(&blk, F_VERSION_1 | F_BLK_FLUSH), READY);
    number = newest();
    print("goes on after %llu\n", (unsigned long long)number);
    for (;;) {
        number++;
        for (u32 at = 0; at < BLOCK / sizeof(u64); at++)
            data[at] = number;
        request(T_OUT, number % SLOTS);
        if (number % 8 == 0) {
            request(T_FLUSH, 0);
            print("flushed %llu\n", (unsigned long long)number);
        }
    }
}
