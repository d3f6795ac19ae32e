/* SPDX-License-Identifier: BSD-2-Clause */
/* A window on a pool: requests go to its task, in line with all others. */
#include "drivers/block/volume_pool.h"

#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "mm/kheap.h"
#include "mm/layout.h"

struct pool_volume {
    struct volume volume;
    struct pool *pool; /* (c) */
    struct store_volume store;
    u32 number; /* (c) */
    u64 id;     /* (c) */
    u64 origin; /* (c) */
    u64 used;   /* management task: when it was last asked */
};

static const struct volume_ops pool_ops;

static struct pool_volume *pool_volume_of(const struct volume *volume)
{
    return container_of((struct volume *)(uintptr_t)volume, struct pool_volume, volume);
}

static bool submit(struct volume *volume, struct volume_req *req)
{
    struct pool_volume *pv = pool_volume_of(volume);

    pool_submit(pv->pool, &pv->store, req);
    return false;
}

static u64 used_bytes(struct volume *volume)
{
    struct pool_volume *pv = pool_volume_of(volume);
    struct store_info info;
    struct store_op op = {.kind = STORE_STAT, .number = pv->number, .info = &info};

    if (pool_run(pv->pool, &op, NULL) == 0)
        pv->used = info.mapped_bytes;
    return pv->used;
}

static int grow(struct volume *volume, u64 block_count)
{
    struct pool_volume *pv = pool_volume_of(volume);
    struct store_op op = {
        .kind = STORE_GROW, .name = volume->name, .bytes = block_count * volume->block_bytes};
    int rc = pool_run(pv->pool, &op, NULL);

    if (rc == 0)
        __atomic_store_n(&volume->block_count, block_count, __ATOMIC_RELEASE);
    return rc;
}

/* Nobody uses it, so nothing can be in progress. */
static void destroy(struct volume *volume)
{
    struct pool_volume *pv = pool_volume_of(volume);

    if (pool_close_volume(pv->pool, &pv->store) == 0)
        kfree(pv);
}

static const struct volume_ops pool_ops = {
    .submit = submit,
    .used_bytes = used_bytes,
    .grow = grow,
    .destroy = destroy,
};

int volume_pool_open(struct pool *pool, const char *name, struct volume **out)
{
    struct pool_volume *pv = kzalloc(sizeof(*pv));
    struct store_op open = {.kind = STORE_OPEN, .name = name};
    struct store_op stat = {.kind = STORE_STAT};
    struct store_info info;
    int rc;

    if (pv == NULL)
        return -ENOMEM;
    pv->pool = pool;
    open.volume = &pv->store;
    rc = pool_run(pool, &open, NULL);
    if (rc != 0) {
        kfree(pv);
        return rc;
    }
    stat.number = pv->number = pv->store.number;
    stat.info = &info;
    rc = pool_run(pool, &stat, NULL);
    pv->volume = (struct volume){
        .ops = &pool_ops,
        .block_bytes = pool_block_bytes(pool),
        .block_count = pv->store.bytes / pool_block_bytes(pool),
        .is_read_only = pv->store.is_read_only,
        .has_write_cache = true,
        .can_discard = true,
        .discard_bytes = STORE_EXTENT,
        .can_write_zeroes = true,
    };
    (void)str_copy(pv->volume.name, sizeof(pv->volume.name), name);
    if (rc == 0 && pv->volume.block_count == 0)
        rc = -EINVAL;
    if (rc != 0) {
        destroy(&pv->volume);
        return rc;
    }
    pv->id = info.id;
    pv->origin = info.origin;
    pv->used = info.mapped_bytes;
    *out = &pv->volume;
    return 0;
}

struct pool *volume_pool_of(const struct volume *volume)
{
    return volume->ops == &pool_ops ? pool_volume_of(volume)->pool : NULL;
}

u64 volume_pool_id(const struct volume *volume)
{
    return pool_volume_of(volume)->id;
}

u64 volume_pool_origin(const struct volume *volume)
{
    return pool_volume_of(volume)->origin;
}

int volume_pool_compare(const struct volume *volume, const struct volume *base, u64 offset,
                        u64 *bytes, bool *is_different)
{
    struct pool_volume *pv = pool_volume_of(volume);
    struct store_op op = {
        .kind = STORE_COMPARE,
        .number = pv->number,
        .other = base ? pool_volume_of(base)->number : STORE_OBJECTS_MAX,
        .offset = offset,
        .bytes = volume_bytes(volume) - offset,
    };
    int rc = pool_run(pv->pool, &op, NULL);

    *bytes = op.bytes;
    *is_different = op.is_different;
    return rc;
}

/* -- bytes
 * ---------------------------------------------------------------------------------------------------------
 */

static int transfer(struct volume *volume, enum blk_op op, u64 at, void *memory, size_t bytes)
{
    struct blk_seg seg = {ptr_to_hpa(memory), (u32)bytes};
    struct volume_req req = {
        .op = op,
        .lba = at / volume->block_bytes,
        .blocks = (u32)(bytes / volume->block_bytes),
        .segs = &seg,
        .seg_count = 1,
    };

    return volume_wait(volume, &req);
}

/* Whole blocks around the bytes, by way of a buffer. */
static int move(struct volume *volume, u64 offset, u8 *memory, size_t bytes, bool is_write)
{
    u64 size = volume_bytes(volume), begin = ALIGN_DOWN(offset, (u64)volume->block_bytes);
    u64 end = ALIGN_UP(offset + bytes, (u64)volume->block_bytes);
    bool is_whole = begin == offset && end == offset + bytes;
    u8 *buffer;
    int rc = 0;

    if (offset > size || bytes > size - offset)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    buffer = kmalloc(end - begin);
    if (buffer == NULL)
        return -ENOMEM;
    if (!is_write || !is_whole)
        rc = transfer(volume, BLK_READ, begin, buffer, end - begin);
    if (rc == 0 && is_write) {
        memcpy(buffer + (offset - begin), memory, bytes);
        rc = transfer(volume, BLK_WRITE, begin, buffer, end - begin);
    } else if (rc == 0) {
        memcpy(memory, buffer + (offset - begin), bytes);
    }
    kfree(buffer);
    return rc;
}

int volume_read(struct volume *volume, u64 offset, void *dst, size_t bytes)
{
    return move(volume, offset, dst, bytes, false);
}

int volume_write(struct volume *volume, u64 offset, const void *src, size_t bytes)
{
    return move(volume, offset, (u8 *)(uintptr_t)src, bytes, true);
}

int volume_flush(struct volume *volume)
{
    struct volume_req req = {.op = BLK_FLUSH};

    return volume_wait(volume, &req);
}
