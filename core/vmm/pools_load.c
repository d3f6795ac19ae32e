/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a pool: its name, volumes, images, definitions of VMs. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/image_pool.h"
#include "core/vmm/large_blob.h"
#include "core/vmm/pools_impl.h"
#include "core/vmm/vm_store.h"
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

static struct pool_listener *listeners;

void pools_listen(struct pool_listener *listener)
{
    struct pool_listener **end = &listeners;

    while (*end)
        end = &(*end)->next;
    *end = listener;
}

static bool begins_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void tell_listeners(struct vmm_pool *pool, const char *blob)
{
    for (struct pool_listener *l = listeners; l; l = l->next) {
        if (begins_with(blob, l->prefix))
            l->on_blob(pool, blob);
    }
}

static void take_object(struct vmm_pool *pool, const struct store_info *info)
{
    bool is_image = begins_with(info->name, IMAGE_POOL_PREFIX);

    if (info->kind == STORE_OBJECT_BLOB && is_image)
        image_pool_adopt(pool, info->name);
    else if (info->kind == STORE_OBJECT_BLOB && begins_with(info->name, VM_STORE_PREFIX))
        vm_store_load(pool, info->name);
    else if (info->kind == STORE_OBJECT_BLOB)
        tell_listeners(pool, info->name);
    else if (!is_image)
        volumes_adopt(pool, info->name);
}

/* What an upload, or a change of a large definition, has left. */
static void sweep_object(struct vmm_pool *pool, const struct store_info *info)
{
    if (info->kind == STORE_OBJECT_VOLUME && begins_with(info->name, IMAGE_POOL_PREFIX))
        image_pool_sweep(pool, info->name);
    if (info->kind == STORE_OBJECT_BLOB)
        large_blob_sweep(pool->engine, info->name);
}

static void for_each_object(struct vmm_pool *pool,
                            void (*fn)(struct vmm_pool *pool, const struct store_info *info))
{
    enum store_object_kind kind;

    for (u32 n = 0; (n = pool_next(pool->engine, n, &kind)) < STORE_OBJECTS_MAX; n++) {
        struct store_info info;
        struct store_op op = {.kind = STORE_STAT, .number = n, .info = &info};

        if (pool_run(pool->engine, &op, NULL) == 0)
            fn(pool, &info);
    }
}

void pools_load(struct vmm_pool *pool)
{
    struct pool_info info;

    take_name(pool);
    for_each_object(pool, take_object);
    for_each_object(pool, sweep_object);
    vm_store_save_others(pool);
    for (struct pool_listener *l = listeners; l; l = l->next)
        l->on_online(pool);
    pools_get_info(pool, &info);
    log_info("pool", "%s on partition %u of %s: %llu of %llu MiB free, %lu objects", pool->name,
             pool->partition, pool->disk->name, info.usage.free_bytes / MiB,
             info.usage.total_bytes / MiB, info.usage.objects);
}

bool pools_objects_in_use(const struct vmm_pool *pool)
{
    return pool->engine && (volumes_in_use(pool->engine) || image_pool_in_use(pool->engine));
}

void pools_unload(struct vmm_pool *pool)
{
    if (!pool->engine)
        return;
    volumes_let_go(pool->engine);
    image_pool_let_go(pool->engine);
    vm_store_let_go(pool);
}
