/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a pool: its name, and volumes. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "core/vmm/pools_impl.h"
#include "core/vmm/volumes.h"
#include "core/x86/log.h"
#include "mm/kheap.h"

/* A blob with the pool's name; without one it is made up. */
#define NAME_BLOB "pool"

static void write_name(struct vmm_pool *pool, char *text)
{
    struct store_op op = {.kind = STORE_BLOB_PUT, .name = NAME_BLOB, .bytes = strlen(pool->name)};

    memcpy(text, pool->name, op.bytes);
    if (pool_run(pool->engine, &op, text))
        log_warn("pool", "%s: its name could not be written", pool->name);
}

static void read_name(struct vmm_pool *pool, char *text)
{
    struct store_op op = {.kind = STORE_BLOB_GET, .name = NAME_BLOB, .bytes = POOL_NAME_MAX};

    if (pool_run(pool->engine, &op, text))
        return;
    text[op.bytes] = '\0';
    if (!vm_name_is_valid(text) || strcmp(text, pool->name) == 0)
        return;
    pools_free_name(text);
    pools_rename(pool, text);
}

static void take_name(struct vmm_pool *pool)
{
    char *text = kzalloc(POOL_NAME_MAX + 1);

    if (!text)
        return;
    if (pool->is_named)
        write_name(pool, text);
    else
        read_name(pool, text);
    kfree(text);
}

static void take_object(struct vmm_pool *pool, u32 number)
{
    struct store_info info;
    struct store_op op = {.kind = STORE_STAT, .number = number, .info = &info};

    if (pool_run(pool->engine, &op, NULL) == 0 && info.kind != STORE_OBJECT_BLOB)
        volumes_adopt(pool, info.name);
}

void pools_load(struct vmm_pool *pool)
{
    enum store_object_kind kind;
    struct pool_info info;

    take_name(pool);
    for (u32 n = 0; (n = pool_next(pool->engine, n, &kind)) < STORE_OBJECTS_MAX; n++)
        take_object(pool, n);
    pools_get_info(pool, &info);
    log_info("pool", "%s on partition %u of %s: %llu of %llu MiB free, %lu objects", pool->name,
             pool->partition, pool->disk->name, info.usage.free_bytes / MiB,
             info.usage.total_bytes / MiB, info.usage.objects);
}

bool pools_objects_in_use(const struct vmm_pool *pool)
{
    return pool->engine && volumes_in_use(pool->engine);
}

void pools_unload(struct vmm_pool *pool)
{
    if (pool->engine)
        volumes_let_go(pool->engine);
}
