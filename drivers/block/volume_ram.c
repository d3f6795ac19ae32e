/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of two levels says what a chunk holds: the base's bytes (zeroes where it has none),
 * zeroes in any case, or a block of pages. The lock is held while a piece of a chunk is copied,
 * which takes microseconds: else another CPU could discard the chunk, and somebody else get its
 * pages. No interrupt handler takes it, so interrupts stay on.
 */
#include "drivers/block/volume_ram.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/spinlock.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define CHUNK_ORDER  4u
#define LEAF_CHUNKS  512u
#define CHUNK_BASE   0ull /* nothing written yet */
#define CHUNK_ZEROES 1ull /* discarded, and the base's bytes with it */

_Static_assert(PAGE_SIZE << CHUNK_ORDER == VOLUME_RAM_CHUNK, "a chunk is one block of pages");

struct ram_volume {
    struct volume volume;
    struct volume_base base;
    struct spinlock lock;
    u64 **leaves; /* lock; NULL where nothing was written */
    u64 leaf_count;
    u64 chunks; /* (a) blocks of pages it has */
};

static const struct volume_ops ram_ops;

static struct ram_volume *ram_of(struct volume *volume)
{
    return container_of(volume, struct ram_volume, volume);
}

static bool is_block(u64 chunk)
{
    return chunk > CHUNK_ZEROES;
}

static u64 leaves_for(u64 bytes)
{
    return (bytes + VOLUME_RAM_CHUNK * LEAF_CHUNKS - 1) / (VOLUME_RAM_CHUNK * LEAF_CHUNKS);
}

/* Context: lock held. */
static u64 chunk_get(const struct ram_volume *ram, u64 at)
{
    u64 index = at / VOLUME_RAM_CHUNK;
    const u64 *leaf = ram->leaves[index / LEAF_CHUNKS];

    return leaf != NULL ? leaf[index % LEAF_CHUNKS] : CHUNK_BASE;
}

/* The base's bytes, zeroes behind its end. */
static void base_read(const struct ram_volume *ram, u64 at, u8 *dst, size_t bytes)
{
    while (bytes > 0 && at < ram->base.bytes) {
        size_t piece;
        const void *from = ram->base.span(ram->base.cookie, at, &piece);

        piece = MIN(piece, bytes);
        memcpy(dst, from, piece);
        at += piece;
        dst += piece;
        bytes -= piece;
    }
    memset(dst, 0, bytes);
}

/* A place for a chunk in the table. Context: lock held. Return: NULL: no memory. */
static u64 *chunk_place(struct ram_volume *ram, u64 at)
{
    u64 index = at / VOLUME_RAM_CHUNK;
    u64 **leaf = &ram->leaves[index / LEAF_CHUNKS];

    if (*leaf == NULL)
        *leaf = kzalloc(LEAF_CHUNKS * sizeof(u64));
    return *leaf != NULL ? &(*leaf)[index % LEAF_CHUNKS] : NULL;
}

/* Memory that nobody else was promised. */
static bool block_take(hpa_t *block)
{
    bool is_taken;

    if (!pmm_promise(VOLUME_RAM_CHUNK))
        return false;
    is_taken = pmm_alloc(CHUNK_ORDER, PMM_VOLUME, false, block) == 0;
    pmm_promise_change(-(s64)VOLUME_RAM_CHUNK);
    return is_taken;
}

/*
 * The chunk with `at` in it, to be written: with pages of its own, which hold what it held before
 * unless it will be written whole. Context: lock held. Return: NULL: no memory.
 */
static u8 *chunk_own(struct ram_volume *ram, u64 at, bool is_whole)
{
    u64 *place = chunk_place(ram, at);
    hpa_t block;
    u8 *bytes;

    if (place == NULL)
        return NULL;
    if (is_block(*place))
        return hpa_to_ptr(hpa(*place));
    if (!block_take(&block))
        return NULL;
    bytes = hpa_to_ptr(block);
    if (!is_whole && *place == CHUNK_ZEROES)
        memset(bytes, 0, VOLUME_RAM_CHUNK);
    else if (!is_whole)
        base_read(ram, ALIGN_DOWN(at, VOLUME_RAM_CHUNK), bytes, VOLUME_RAM_CHUNK);
    *place = block.v;
    __atomic_fetch_add(&ram->chunks, 1, __ATOMIC_RELAXED);
    return bytes;
}

/* A piece within one chunk. */
static void piece_read(struct ram_volume *ram, u64 at, u8 *dst, size_t bytes)
{
    u64 chunk, flags;

    flags = spin_lock_irqsave(&ram->lock);
    chunk = chunk_get(ram, at);
    if (is_block(chunk))
        memcpy(dst, (const u8 *)hpa_to_ptr(hpa(chunk)) + at % VOLUME_RAM_CHUNK, bytes);
    spin_unlock_irqrestore(&ram->lock, flags);
    if (chunk == CHUNK_ZEROES)
        memset(dst, 0, bytes);
    else if (chunk == CHUNK_BASE)
        base_read(ram, at, dst, bytes);
}

/* The same, written; src: NULL for zeroes. Return: 0, -ENOSPC. */
static int piece_write(struct ram_volume *ram, u64 at, const u8 *src, size_t bytes)
{
    u8 *chunk;
    u64 flags;

    flags = spin_lock_irqsave(&ram->lock);
    chunk = chunk_own(ram, at, bytes == VOLUME_RAM_CHUNK);
    if (chunk != NULL && src != NULL)
        memcpy(chunk + at % VOLUME_RAM_CHUNK, src, bytes);
    else if (chunk != NULL)
        memset(chunk + at % VOLUME_RAM_CHUNK, 0, bytes);
    spin_unlock_irqrestore(&ram->lock, flags);
    return chunk != NULL ? 0 : -ENOSPC;
}

static void block_free(struct ram_volume *ram, u64 chunk)
{
    if (!is_block(chunk))
        return;
    pmm_free_dirty(hpa(chunk), CHUNK_ORDER, PMM_VOLUME);
    __atomic_fetch_sub(&ram->chunks, 1, __ATOMIC_RELAXED);
}

/* The whole chunk reads as zeroes, and takes no memory. Return: 0, -ENOSPC. */
static int chunk_drop(struct ram_volume *ram, u64 at)
{
    bool has_base = ALIGN_DOWN(at, VOLUME_RAM_CHUNK) < ram->base.bytes;
    u64 old = CHUNK_ZEROES;
    u64 *place, flags;
    int rc = 0;

    flags = spin_lock_irqsave(&ram->lock);
    place = has_base || chunk_get(ram, at) != CHUNK_BASE ? chunk_place(ram, at) : &old;
    if (place == NULL) {
        rc = -ENOSPC;
    } else {
        old = *place;
        *place = has_base ? CHUNK_ZEROES : CHUNK_BASE;
    }
    spin_unlock_irqrestore(&ram->lock, flags);
    block_free(ram, old);
    return rc;
}

/* Whether a piece of it reads as zeroes already. */
static bool is_zeroes(struct ram_volume *ram, u64 at)
{
    u64 chunk, flags;

    flags = spin_lock_irqsave(&ram->lock);
    chunk = chunk_get(ram, at);
    spin_unlock_irqrestore(&ram->lock, flags);
    return chunk == CHUNK_ZEROES || (chunk == CHUNK_BASE && at >= ram->base.bytes);
}

/* Return: 0, -ENOSPC. */
static int write_zeroes(struct ram_volume *ram, u64 at, u64 end)
{
    int rc = 0;

    while (at < end && rc == 0) {
        size_t bytes = MIN(VOLUME_RAM_CHUNK - at % VOLUME_RAM_CHUNK, end - at);

        if (bytes == VOLUME_RAM_CHUNK)
            rc = chunk_drop(ram, at);
        else if (!is_zeroes(ram, at))
            rc = piece_write(ram, at, NULL, bytes);
        at += bytes;
    }
    return rc;
}

/* Return: 0, -ENOSPC. */
static int copy(struct ram_volume *ram, u64 at, u8 *memory, u64 bytes, bool is_write)
{
    int rc = 0;

    while (bytes > 0 && rc == 0) {
        size_t piece = MIN(VOLUME_RAM_CHUNK - at % VOLUME_RAM_CHUNK, bytes);

        if (is_write)
            rc = piece_write(ram, at, memory, piece);
        else
            piece_read(ram, at, memory, piece);
        at += piece;
        memory += piece;
        bytes -= piece;
    }
    return rc;
}

static int move(struct ram_volume *ram, const struct volume_req *req, u64 at)
{
    int rc = 0;

    for (u32 i = 0; i < req->seg_count && rc == 0; i++) {
        const struct blk_seg *seg = &req->segs[i];

        rc = copy(ram, at, hpa_to_ptr(seg->address), seg->bytes, req->op == BLK_WRITE);
        at += seg->bytes;
    }
    return rc;
}

static bool ram_submit(struct volume *volume, struct volume_req *req)
{
    struct ram_volume *ram = ram_of(volume);
    u64 at = req->lba * volume->block_bytes;
    u64 end = at + (u64)req->blocks * volume->block_bytes;

    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE:
        req->status = move(ram, req, at);
        break;
    case BLK_DISCARD: /* parts of chunks stay as they are */
        req->status =
            write_zeroes(ram, ALIGN_UP(at, VOLUME_RAM_CHUNK), ALIGN_DOWN(end, VOLUME_RAM_CHUNK));
        break;
    case BLK_WRITE_ZEROES:
        req->status = write_zeroes(ram, at, end);
        break;
    default: /* a flush: everything done is where it can be */
        break;
    }
    return true;
}

static u64 ram_used_bytes(struct volume *volume)
{
    const struct ram_volume *ram = ram_of(volume);

    return __atomic_load_n(&ram->chunks, __ATOMIC_RELAXED) * VOLUME_RAM_CHUNK;
}

static int ram_grow(struct volume *volume, u64 block_count)
{
    struct ram_volume *ram = ram_of(volume);
    u64 count = leaves_for(block_count * volume->block_bytes);
    u64 **leaves, **old = NULL;
    u64 flags;

    if (block_count > VOLUME_RAM_BYTES_MAX / volume->block_bytes)
        return -EINVAL;
    if (count > ram->leaf_count) {
        leaves = kzalloc(count * sizeof(*leaves));
        if (leaves == NULL)
            return -ENOMEM;
        flags = spin_lock_irqsave(&ram->lock);
        memcpy(leaves, ram->leaves, ram->leaf_count * sizeof(*leaves));
        old = ram->leaves;
        ram->leaves = leaves;
        ram->leaf_count = count;
        spin_unlock_irqrestore(&ram->lock, flags);
        kfree(old);
    }
    __atomic_store_n(&volume->block_count, block_count, __ATOMIC_RELEASE);
    return 0;
}

static void ram_destroy(struct volume *volume)
{
    struct ram_volume *ram = ram_of(volume);

    for (u64 i = 0; i < ram->leaf_count; i++) {
        for (u32 j = 0; ram->leaves[i] != NULL && j < LEAF_CHUNKS; j++)
            block_free(ram, ram->leaves[i][j]);
        kfree(ram->leaves[i]);
    }
    if (ram->base.bytes > 0)
        ram->base.release(ram->base.cookie);
    kfree(ram->leaves);
    kfree(ram);
}

static const struct volume_ops ram_ops = {
    .submit = ram_submit,
    .used_bytes = ram_used_bytes,
    .grow = ram_grow,
    .destroy = ram_destroy,
};

bool volume_is_ram(const struct volume *volume)
{
    return volume->ops == &ram_ops;
}

static bool is_inside(const struct volume *volume, u64 offset, size_t bytes)
{
    u64 size = volume_bytes(volume);

    return offset <= size && bytes <= size - offset;
}

int volume_ram_write(struct volume *volume, u64 offset, const void *src, size_t bytes)
{
    const u8 *from = src;
    int rc = is_inside(volume, offset, bytes) ? 0 : -EINVAL;

    while (bytes > 0 && rc == 0) {
        size_t piece = MIN(VOLUME_RAM_CHUNK - offset % VOLUME_RAM_CHUNK, bytes);

        rc = piece_write(ram_of(volume), offset, from, piece);
        offset += piece;
        from += piece;
        bytes -= piece;
    }
    return rc;
}

int volume_ram_read(struct volume *volume, u64 offset, void *dst, size_t bytes)
{
    if (!is_inside(volume, offset, bytes))
        return -EINVAL;
    return copy(ram_of(volume), offset, dst, bytes, false);
}

int volume_ram_create(const char *name, u64 bytes, const struct volume_base *base,
                      bool is_read_only, struct volume **out)
{
    struct ram_volume *ram;

    if (bytes == 0 || bytes > VOLUME_RAM_BYTES_MAX || !IS_ALIGNED(bytes, VOLUME_RAM_BLOCK) ||
        (base != NULL && base->bytes > bytes))
        return -EINVAL;
    ram = kzalloc(sizeof(*ram));
    if (ram == NULL)
        return -ENOMEM;
    ram->leaf_count = leaves_for(bytes);
    ram->leaves = kzalloc(ram->leaf_count * sizeof(*ram->leaves));
    if (ram->leaves == NULL) {
        kfree(ram);
        return -ENOMEM;
    }
    if (base != NULL)
        ram->base = *base;
    spin_init(&ram->lock, "RAM volume", LOCK_POOL);
    ram->volume = (struct volume){
        .ops = &ram_ops,
        .block_bytes = VOLUME_RAM_BLOCK,
        .block_count = bytes / VOLUME_RAM_BLOCK,
        .is_read_only = is_read_only,
        .can_discard = true,
        .discard_bytes = VOLUME_RAM_CHUNK,
        .can_write_zeroes = true,
    };
    (void)str_copy(ram->volume.name, sizeof(ram->volume.name), name);
    *out = &ram->volume;
    return 0;
}
