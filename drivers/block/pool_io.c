/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's requests to the disk. Data go between the disk and the submitter's memory with no
 * copy; of a list of pieces as many as a request to the disk has room for go in one round.
 */
#include "core/lib/assert.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "drivers/block/pool_impl.h"
#include "mm/layout.h"

/* Bytes of the list from `skip` on, in one piece, at most `max`. */
static u32 piece_at(const struct pool_mem *mem, u64 skip, u64 max, hpa_t *out)
{
    for (u32 i = 0; i < mem->count; i++) {
        const struct blk_seg *seg = &mem->segs[i];

        if (skip < seg->bytes) {
            *out = hpa(seg->address.v + skip);
            return (u32)MIN(seg->bytes - skip, max);
        }
        skip -= seg->bytes;
    }
    return 0;
}

/* The memory of the next round. */
static void gather(struct pool_io *pio)
{
    const struct store_io *io = pio->io;
    u32 left = io->bytes - pio->moved, bytes;

    pio->round = 0;
    pio->req.seg_count = 0;
    if (io->buf != NULL) {
        pio->segs[pio->req.seg_count++] = (struct blk_seg){ptr_to_hpa(io->buf), left};
        pio->round = left;
        return;
    }
    while (pio->req.seg_count < POOL_SEGS && pio->round < left) {
        struct blk_seg *seg = &pio->segs[pio->req.seg_count++];

        bytes =
            piece_at(io->mem, io->skip + pio->moved + pio->round, left - pio->round, &seg->address);
        assert(bytes > 0);
        seg->bytes = bytes;
        pio->round += bytes;
    }
}

static void on_disk_done(struct volume_req *req)
{
    struct pool_io *pio = req->arg;
    struct pool *pool = pio->pool;
    u64 flags = spin_lock_irqsave(&pool->lock);

    list_push_back(&pool->ended, &pio->link);
    spin_unlock_irqrestore(&pool->lock, flags);
    task_wake(&pool->task);
}

/* Return: true: it is done. */
static bool begin_round(struct pool_io *pio)
{
    static const enum blk_op ops[] = {
        [STORE_IO_READ] = BLK_READ, [STORE_IO_WRITE] = BLK_WRITE, [STORE_IO_FLUSH] = BLK_FLUSH};
    const struct store_io *io = pio->io;
    u32 block = pio->pool->on->block_bytes;

    pio->req = (struct volume_req){
        .op = ops[io->kind], .segs = pio->segs, .done = on_disk_done, .arg = pio};
    if (io->kind != STORE_IO_FLUSH) {
        gather(pio);
        pio->req.lba = (io->offset + pio->moved) / block;
        pio->req.blocks = pio->round / block;
    }
    return volume_submit(pio->pool->on, &pio->req);
}

/* Goes on with rounds until the disk takes its time, or all is done. */
static void go_on(struct pool_io *pio)
{
    struct store_io *io = pio->io;

    while (pio->req.status == 0 && pio->moved < io->bytes) {
        if (!begin_round(pio))
            return;
        pio->moved += pio->round;
    }
    io->status = pio->req.status;
    list_push_front(&pio->pool->free_ios, &pio->link);
    io->done(io);
}

void pool_io_ended(struct pool_io *pio)
{
    pio->moved += pio->round;
    go_on(pio);
}

/* There is a free one for whatever the store may want at a time. */
static void submit(struct store_disk *disk, struct store_io *io)
{
    struct pool *pool = container_of(disk, struct pool, disk);
    struct pool_io *pio = list_entry(pool->free_ios.next, struct pool_io, link);

    assert(!list_empty(&pool->free_ios));
    list_remove(&pio->link);
    pio->io = io;
    pio->moved = pio->round = 0;
    pio->req.status = 0;
    if (io->kind != STORE_IO_FLUSH)
        go_on(pio);
    else if (begin_round(pio))
        pool_io_ended(pio);
}

static void copy(void *mem, u64 skip, u8 *memory, u32 bytes, bool is_out)
{
    while (bytes > 0) {
        hpa_t at;
        u32 piece = piece_at(mem, skip, bytes, &at);

        assert(piece > 0);
        memcpy(is_out ? hpa_to_ptr(at) : memory, is_out ? memory : hpa_to_ptr(at), piece);
        skip += piece;
        memory += piece;
        bytes -= piece;
    }
}

static void copy_from(void *dst, void *mem, u64 skip, u32 bytes)
{
    copy(mem, skip, dst, bytes, false);
}

static void copy_to(void *mem, u64 skip, const void *src, u32 bytes)
{
    copy(mem, skip, (u8 *)(uintptr_t)src, bytes, true);
}

void pool_io_init(struct pool *pool)
{
    pool->disk = (struct store_disk){
        .bytes = volume_bytes(pool->on),
        .submit = submit,
        .copy_from = copy_from,
        .copy_to = copy_to,
    };
    list_init(&pool->free_ios);
    for (u32 i = 0; i < POOL_IOS; i++) {
        pool->ios[i].pool = pool;
        list_push_back(&pool->free_ios, &pool->ios[i].link);
    }
}
