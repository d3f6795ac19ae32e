/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry of pools: found at boot, made and ended by request. */
#include "core/vmm/pools.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/store/store_format.h"
#include "core/vmm/clock.h"
#include "core/vmm/pools_impl.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes.h"
#include "core/x86/log.h"
#include "drivers/block/gpt.h"
#include "drivers/block/volume_disk.h"
#include "mm/kheap.h"

/* A disk that does not answer does not keep the host from its work. One that has shown that it has
 * a pool is given more time to show the rest: the host's key and settings are in it. */
#define TABLE_NS (15 * NS_PER_S)
#define MOUNT_NS (60 * NS_PER_S)

static struct list registry = LIST_INIT(registry); /* in name order */
static u32 count;
static u64 looked; /* bit i: at disk i */
static void (*wake_management)(void);

_Static_assert(BLK_DISKS_MAX <= 64, "a bit for each disk");

void pools_init(void (*wake)(void))
{
    wake_management = wake;
}

struct vmm_pool *pools_find(const char *name)
{
    list_for_each(pos, &registry)
    {
        struct vmm_pool *pool = list_entry(pos, struct vmm_pool, link);

        if (strcmp(pool->name, name) == 0)
            return pool;
    }
    return NULL;
}

struct vmm_pool *pools_next(const struct vmm_pool *after)
{
    const struct list *at = after ? &after->link : &registry;

    return at->next == &registry ? NULL : list_entry(at->next, struct vmm_pool, link);
}

struct vmm_pool *pools_on(const struct blkdev *disk, u32 partition)
{
    list_for_each(pos, &registry)
    {
        struct vmm_pool *pool = list_entry(pos, struct vmm_pool, link);

        if (pool->disk == disk && pool->partition == partition)
            return pool;
    }
    return NULL;
}

u32 pools_count(void)
{
    return count;
}

static enum pool_state state_of(const struct vmm_pool *pool, int *error)
{
    const char *reason;

    if (pool->remote)
        return pool->remote->ops->is_online(pool->remote, &reason) ? POOL_ONLINE : POOL_MOUNTING;
    if (pool->engine)
        return pool_get_state(pool->engine, error);
    *error = pool->error;
    return POOL_FAILED;
}

struct pool *pools_engine(const struct vmm_pool *pool)
{
    int error;

    return !pool->remote && pool->is_loaded && state_of(pool, &error) == POOL_ONLINE ? pool->engine
                                                                                     : NULL;
}

const char *pools_name(const struct vmm_pool *pool)
{
    return pool->name;
}

bool pools_was_found(const struct vmm_pool *pool)
{
    return pool->is_found;
}

struct vmm_pool *pools_default(void)
{
    list_for_each(pos, &registry)
    {
        struct vmm_pool *pool = list_entry(pos, struct vmm_pool, link);

        if (pools_engine(pool))
            return pool;
    }
    return NULL;
}

static const char *why_failed(const struct vmm_pool *pool, int error)
{
    switch (error) {
    case -ENOENT:
        return "There is no datastore in this partition: format it to make one.";
    case -EINVAL:
        return pool->engine ? "The datastore is damaged; socle-store repair on its disk tells what "
                              "that costs."
                            : "The partition is too small for a datastore, or too large.";
    case -EPERM:
        return "The disk can only be read, and a datastore has to be written to be mounted.";
    case -ENOMEM:
        return "The host has too little memory for another pool.";
    case -EBUSY:
        return "The partition is a volume, or part of one: delete that first.";
    case -ENOSPC:
        return "There are as many pools as possible.";
    case -ENODEV:
        return "The disk is gone.";
    case -ETIMEDOUT:
        return "The disk did not answer in time.";
    default:
        return "The disk reported an error, or what it holds is damaged (socle-store check tells); "
               "nothing more is written.";
    }
}

void pools_get_info(struct vmm_pool *pool, struct pool_info *out)
{
    int error;

    *out = (struct pool_info){.partition = pool->partition, .state = state_of(pool, &error)};
    (void)str_copy(out->name, sizeof(out->name), pool->name);
    if (pool->remote) {
        (void)pool->remote->ops->is_online(pool->remote, &out->reason);
        return;
    }
    (void)str_copy(out->disk, sizeof(out->disk), pool->disk->name);
    if (out->state == POOL_ONLINE && !pool->is_loaded)
        out->state = POOL_MOUNTING;
    if (out->state == POOL_FAILED)
        out->reason = why_failed(pool, error);
    if (pool->engine)
        pool_get_usage(pool->engine, &out->usage);
    if (out->usage.total_bytes == 0)
        out->usage.total_bytes = pool->on ? volume_bytes(pool->on) : 0;
}

static int explain_full(const struct vmm_pool *pool, struct vmm_error *err)
{
    struct pool *engine = pools_engine(pool);
    struct store_usage usage = {0};

    vmm_error_set(err, "no_space", NULL, "Delete a volume or an image in it.",
                  "Pool \"%s\" is full.", pool->name);
    if (!engine)
        return -ENOSPC;
    pool_get_usage(engine, &usage);
    err->need_bytes = (u64)STORE_EXTENT_BLOCKS * pool_block_bytes(engine);
    err->free_bytes = usage.free_bytes - MIN(usage.free_bytes, usage.reserved_bytes);
    return -ENOSPC;
}

int pools_explain(int rc, const struct vmm_pool *pool, struct vmm_error *err)
{
    if (rc == -ENOSPC)
        return explain_full(pool, err);
    if (rc == -E2BIG)
        vmm_error_set(err, "no_space", NULL, "Delete a volume or an image in it.",
                      "Pool \"%s\" has as many objects as possible.", pool->name);
    else if (rc == -EBUSY)
        vmm_error_set(err, "state", NULL, "GET /api/v1/pools says how it is.",
                      "Pool \"%s\" does not work.", pool->name);
    else if (rc == -EEXIST)
        vmm_error_set(err, "exists", NULL, "Choose another name; the host's log says what it is.",
                      "Pool \"%s\" holds something of that name which was left out at boot.",
                      pool->name);
    else if (rc == -ENOMEM)
        vmm_error_no_memory(err);
    else
        vmm_error_set(err, "state", NULL,
                      "GET /api/v1/pools says how it is; the host's log says more.",
                      "The disk of pool \"%s\" failed (error %d).", pool->name, rc);
    return rc;
}

void pools_insert(struct vmm_pool *pool)
{
    struct list *after = &registry;

    count++;

    while (after->next != &registry &&
           strcmp(list_entry(after->next, struct vmm_pool, link)->name, pool->name) < 0)
        after = after->next;
    list_push_front(after, &pool->link);
}

void pools_drop(struct vmm_pool *pool)
{
    list_remove(&pool->link);
    count--;
}

void pools_rename(struct vmm_pool *pool, const char *name)
{
    pools_drop(pool);
    (void)str_copy(pool->name, sizeof(pool->name), name);
    pools_insert(pool);
}

/* The first of name, name-2, name-3 … that is free. */
void pools_free_name(char *name)
{
    char base[POOL_NAME_MAX + 1 - 3];

    ksnprintf(base, sizeof(base), "%s", name);
    for (u32 n = 2; pools_find(name) || strcmp(name, POOL_RAM) == 0; n++)
        ksnprintf(name, POOL_NAME_MAX + 1, "%s-%u", base, n);
}

/* What of its name a pool's can have. */
static void name_from(const struct gpt_partition *part, const struct blkdev *disk, char *name)
{
    if (!str_copy(name, POOL_NAME_MAX + 1, part->name) || !vm_name_is_valid(name))
        ksnprintf(name, POOL_NAME_MAX + 1, "%s-%u", disk->name, part->number);
    pools_free_name(name);
}

struct vmm_pool *pools_attach(const char *name, struct blkdev *disk, u32 partition,
                              const u8 *format_uuid)
{
    struct volume_disk_source source = {.disk = disk, .partition = partition};
    struct vmm_pool *pool = count < POOLS_MAX ? kzalloc(sizeof(*pool)) : NULL;

    if (!pool)
        return NULL;
    pool->disk = disk;
    pool->partition = partition;
    (void)str_copy(pool->name, sizeof(pool->name), name);
    pool->error = volume_disk_create(name, &source, &pool->on);
    if (pool->error == 0)
        pool->error = volume_open(pool->on, true);
    if (pool->error == 0)
        pool->error = pool_start(pool->on, format_uuid, wake_management, &pool->engine);
    if (pool->error)
        log_error("pool", "%s on partition %u of %s: %s", name, partition, disk->name,
                  why_failed(pool, pool->error));
    pools_insert(pool);
    return pool;
}

/* -- after boot
 * ---------------------------------------------------------------------------------------------------
 */

static void look_at(struct blkdev *disk, const struct gpt *gpt)
{
    static const u8 type[16] = STORE_PARTITION_TYPE;
    char name[POOL_NAME_MAX + 1];

    for (u32 i = 0; i < gpt->count; i++) {
        const struct gpt_partition *part = &gpt->parts[i];
        struct vmm_pool *pool;

        if (memcmp(part->type, type, sizeof(type)) != 0 || pools_on(disk, part->number))
            continue; /* or a request came first */
        name_from(part, disk, name);
        pool = pools_attach(name, disk, part->number, NULL);
        if (pool)
            pool->is_found = true;
        else
            log_warn("pool", "partition %u of %s is left out: there are too many pools",
                     part->number, disk->name);
    }
}

static void look_at_disks(void)
{
    u32 i = 0;

    for (struct blkdev *disk = blk_next(NULL); disk; disk = blk_next(disk), i++) {
        const struct gpt *gpt = __atomic_load_n(&disk->gpt, __ATOMIC_ACQUIRE);

        if (!gpt || (looked & BIT(i)))
            continue;
        looked |= BIT(i);
        look_at(disk, gpt);
    }
}

static void detach(struct vmm_pool *pool)
{
    if (pool->engine)
        pool_free(pool->engine);
    if (pool->on) {
        if (volume_is_used(pool->on))
            volume_close(pool->on, true);
        pool->on->ops->destroy(pool->on);
    }
    log_info("pool", "%s is unmounted", pool->name);
    pools_drop(pool);
    kfree(pool);
}

static void poll(struct vmm_pool *pool)
{
    int error;
    enum pool_state state = state_of(pool, &error);

    if (state == POOL_ONLINE && !pool->is_loaded) {
        pool->is_loaded = true;
        pools_load(pool);
    }
    if (state == POOL_FAILED && pool->engine && !pool->is_told) {
        log_error("pool", "%s on partition %u of %s: %s", pool->name, pool->partition,
                  pool->disk->name, why_failed(pool, error));
        pool->is_told = true;
    }
}

void pools_poll(void)
{
    look_at_disks();
    list_for_each_safe(pos, next, &registry)
    {
        struct vmm_pool *pool = list_entry(pos, struct vmm_pool, link);

        if (pool->remote)
            continue;
        if (!pool->is_ending)
            poll(pool);
        else if (!pool->engine || pool_has_stopped(pool->engine))
            detach(pool);
    }
}

bool pools_are_settled(void)
{
    int error;
    u64 now = time_ns();
    u32 i = 0;

    for (struct blkdev *disk = blk_next(NULL); disk; disk = blk_next(disk), i++) {
        if (!(looked & BIT(i)) && now < TABLE_NS) /* its table may be there since the last look */
            return false;
    }
    list_for_each(pos, &registry)
    {
        const struct vmm_pool *pool = list_entry(pos, struct vmm_pool, link);
        enum pool_state state = pool->remote ? POOL_FAILED : state_of(pool, &error);

        if ((state == POOL_MOUNTING || (state == POOL_ONLINE && !pool->is_loaded)) &&
            now < MOUNT_NS)
            return false;
    }
    return true;
}

/* The store forgets what is not flushed, and a guest that was powered off may not have done so. */
static void flush(struct vmm_pool *pool)
{
    struct store_op op = {.kind = STORE_FLUSH};

    if (pools_engine(pool) && pool_run(pool->engine, &op, NULL))
        log_error("pool", "%s: what was written last may be lost", pool->name);
}

int pools_delete(struct vmm_pool *pool, struct vmm_error *err)
{
    int error;

    if (pool->is_ending)
        return 0;
    if (pool->remote)
        return pools_delete_remote(pool, err);
    if (state_of(pool, &error) == POOL_FORMATTING) {
        vmm_error_set(err, "state", NULL, "Wait until it is online.",
                      "Pool \"%s\" is being formatted.", pool->name);
        return -EBUSY;
    }
    if (pools_objects_in_use(pool)) {
        vmm_error_set(err, "in_use", NULL, "Power off the VMs that use its volumes and images.",
                      "Something in pool \"%s\" is in use.", pool->name);
        return -EBUSY;
    }
    flush(pool);
    pools_unload(pool);
    pool->is_ending = true;
    pool->is_loaded = false;
    if (pool->engine)
        pool_stop(pool->engine);
    return 0;
}

void pools_flush(void)
{
    list_for_each(pos, &registry) flush(list_entry(pos, struct vmm_pool, link));
}
