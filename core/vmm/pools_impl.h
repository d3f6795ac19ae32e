/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the pools' registry share: pools.c, pools_put.c (made by request),
 * pools_remote.c (on servers) and pools_load.c (what is in them). Private to core/vmm. */
#ifndef SOCLE_VMM_POOLS_IMPL_H
#define SOCLE_VMM_POOLS_IMPL_H

#include "core/lib/list.h"
#include "core/vmm/pools.h"

struct vmm_pool {
    struct list link;
    char name[POOL_NAME_MAX + 1];
    struct blkdev *disk;
    u32 partition;
    struct volume *on;          /* the partition, or NULL */
    struct pool *engine;        /* or NULL: it could not be started */
    struct pool_remote *remote; /* of a server's, which has none of disk, on and engine; or NULL */
    int error;                  /* why */
    bool is_named;              /* by request: the name is to be written */
    bool is_found;              /* by the host itself, not by request */
    bool is_loaded;
    bool is_ending;
    bool is_told; /* that it has failed */
};

/* Begins to use a partition. Return: the pool, failed or not; NULL: there are too many. */
struct vmm_pool *pools_attach(const char *name, struct blkdev *disk, u32 partition,
                              const u8 *format_uuid);
struct vmm_pool *pools_on(const struct blkdev *disk, u32 partition);
u32 pools_count(void);
int pools_check_name(const char *name, struct vmm_error *err) must_check;
void pools_insert(struct vmm_pool *pool);
void pools_drop(struct vmm_pool *pool);
int pools_delete_remote(struct vmm_pool *pool, struct vmm_error *err) must_check;
void pools_rename(struct vmm_pool *pool, const char *name);
/* Changes a name (POOL_NAME_MAX + 1 bytes) to one that no pool has. */
void pools_free_name(char *name);

/* Takes in what is in a pool that has just come online; lets go of it. */
void pools_load(struct vmm_pool *pool);
bool pools_objects_in_use(const struct vmm_pool *pool);
void pools_unload(struct vmm_pool *pool);

#endif
