/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools on servers: a name for volumes that are elsewhere. How they are reached is the business of
 * who has put them here. */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools_impl.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes.h"
#include "mm/kheap.h"

/* A server that does not answer keeps VMs of others from starting no longer than this: DHCP takes
 * some of it. */
#define SETTLE_NS (45 * NS_PER_S)

int pools_check_remote(const char *name, struct vmm_error *err)
{
    int rc = pools_check_name(name, err);

    if (rc || !pools_find(name))
        return rc;
    vmm_error_set(err, "exists", NULL, "Choose another name, or delete that pool first.",
                  "There is another pool \"%s\".", name);
    return -EEXIST;
}

int pools_put_remote(const char *name, struct pool_remote *remote, struct vmm_pool **out,
                     struct vmm_error *err)
{
    struct vmm_pool *pool;
    int rc = pools_check_remote(name, err);

    if (rc)
        return rc;
    pool = kzalloc(sizeof(*pool));
    if (!pool)
        return vmm_error_no_memory(err);
    (void)str_copy(pool->name, sizeof(pool->name), name);
    pool->remote = remote;
    pools_insert(pool);
    *out = pool;
    return 0;
}

struct pool_remote *pools_remote(const struct vmm_pool *pool)
{
    return pool->remote;
}

static bool has_volumes(const char *pool)
{
    struct volume_spec spec;

    for (struct volume *volume = volumes_next(NULL); volume; volume = volumes_next(volume)) {
        volumes_get_spec(volume, &spec);
        if (strcmp(spec.pool, pool) == 0)
            return true;
    }
    return false;
}

int pools_delete_remote(struct vmm_pool *pool, struct vmm_error *err)
{
    if (has_volumes(pool->name)) {
        vmm_error_set(err, "in_use", NULL,
                      "Delete its volumes first: what is on the server stays there.",
                      "Pool \"%s\" has volumes.", pool->name);
        return -EBUSY;
    }
    pools_drop(pool);
    pool->remote->ops->forget(pool->remote);
    kfree(pool);
    return 0;
}

bool pools_remotes_are_settled(void)
{
    const char *reason;

    if (time_ns() > SETTLE_NS)
        return true;
    for (struct vmm_pool *pool = pools_next(NULL); pool; pool = pools_next(pool)) {
        if (pool->remote && !pool->remote->ops->is_online(pool->remote, &reason))
            return false;
    }
    return true;
}
