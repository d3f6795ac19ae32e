/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools by name: the datastores on the host's disks, and servers that have volumes. Partitions of
 * the datastore's type are mounted when the host finds them; what is in them joins volumes, images
 * and VMs. Context of all functions unless said otherwise: management task. Those that ask a pool
 * wait for it, as long as its disk takes: milliseconds, or until a request that is lost times out.
 */
#ifndef SOCLE_VMM_POOLS_H
#define SOCLE_VMM_POOLS_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"
#include "drivers/block/pool.h"

#define POOL_NAME_MAX 63
#define POOLS_MAX     8u
#define POOL_RAM      "ram" /* no pool: the host's memory */

struct vmm_pool; /* opaque */

struct pool_spec {
    char name[POOL_NAME_MAX + 1];
    char disk[BLK_NAME_MAX];
    u32 partition; /* 0: the whole disk, which gets a partition table */
    bool format;   /* else there is a datastore already */
    bool erase;    /* whatever else was there may be lost */
};

struct volume;
struct volume_spec;
struct pool_remote;

/* A server with volumes, as who has the network keeps it. Context of all: management task. */
struct pool_remote_ops {
    /* Begins to use what the server calls spec->export; nothing is made there. *out is known when
     * its server has answered: until then it has no blocks. Return: 0; an error with *err filled.
     */
    int (*attach)(struct pool_remote *remote, const struct volume_spec *spec, struct volume **out,
                  struct vmm_error *err);
    /* Whether all its volumes can be used; else *reason is one sentence. */
    bool (*is_online)(const struct pool_remote *remote, const char **reason);
    /* The pool is gone. */
    void (*forget)(struct pool_remote *remote);
};

struct pool_remote {
    const struct pool_remote_ops *ops;
};

struct pool_info {
    char name[POOL_NAME_MAX + 1];
    char disk[BLK_NAME_MAX]; /* empty: a server's */
    u32 partition;
    enum pool_state state;
    const char *reason; /* why it has failed, one sentence; else NULL */
    struct store_usage usage;
};

/* wake: called from any context when pools_poll has work. Context: boot. */
void pools_init(void (*wake)(void));

/* Looks for pools on disks whose partition table has been read by now, takes in what is in those
 * that have been mounted, and ends those that were unmounted. */
void pools_poll(void);

/* Servers do not count here. True when each disk has been looked at, or 15 s have passed since
 * boot, and each pool found has been mounted, or not, or 60 s have passed. */
bool pools_are_settled(void);

struct vmm_pool *pools_find(const char *name); /* NULL: there is none */
/* In name order: NULL for the first, NULL at the end. */
struct vmm_pool *pools_next(const struct vmm_pool *after);
void pools_get_info(struct vmm_pool *pool, struct pool_info *out);

/*
 * Mounts a datastore, or makes one. It is begun then: the state tells how it goes. Nothing is
 * written before all is checked; data, and what firmware may boot from, are overwritten only with
 * `erase`, what is in use never. The same as there is already is no error. Return: 0 and *out;
 * -EINVAL, -EBUSY, -EEXIST, -ENOSPC, -ENOMEM, -EIO with *err filled.
 */
int pools_put(const struct pool_spec *spec, struct vmm_pool **out,
              struct vmm_error *err) must_check;

/* Whether pools_put would take it; nothing is written. Return: as that. */
int pools_check(const struct pool_spec *spec, struct vmm_error *err) must_check;

/* Adds a server's, which is forgotten by pools_delete(). Return: 0; -EINVAL, -EEXIST, -ENOSPC,
 * -ENOMEM with *err filled. */
int pools_put_remote(const char *name, struct pool_remote *remote, struct vmm_pool **out,
                     struct vmm_error *err) must_check;

/* Whether pools_put_remote would take the name. Return: as that. */
int pools_check_remote(const char *name, struct vmm_error *err) must_check;

/* NULL: it is a datastore. */
struct pool_remote *pools_remote(const struct vmm_pool *pool);

/* True when the servers of all pools can be used; and 45 s after boot. */
bool pools_remotes_are_settled(void);

/* Unmounts it; what is in it is flushed, stays on the disk, and is found again at the next boot.
 * Return: 0; it is gone soon; -EBUSY with *err filled. */
int pools_delete(struct vmm_pool *pool, struct vmm_error *err) must_check;

/* Where what is to be kept goes: the first in name order that works. NULL: there is none. */
struct vmm_pool *pools_default(void);

/* Who is told of blobs whose names begin so when they are found, and of each pool that has come
 * online and been looked through. */
struct pool_listener {
    const char *prefix;
    void (*on_blob)(struct vmm_pool *pool, const char *blob);
    void (*on_online)(struct vmm_pool *pool);
    struct pool_listener *next; /* the list's */
};

/* listener: stays for ever. Context: boot. */
void pools_listen(struct pool_listener *listener);

/* The pool itself; NULL while it is not online, which may end between two calls. */
struct pool *pools_engine(const struct vmm_pool *pool);
const char *pools_name(const struct vmm_pool *pool);

/* True: it was on one of the host's disks at boot. False: it was added by request, and who is in it
 * has no rights here. */
bool pools_was_found(const struct vmm_pool *pool);

/* Makes durable what has been written. Before the host goes down. */
void pools_flush(void);

/*
 * A sentence for a request to a pool that failed so. Of a full one also err->free_bytes, what data
 * may still take (less than the pool says, which keeps some for metadata), and err->need_bytes, the
 * least that anything takes: who knows how much was asked for says that. Return: rc.
 */
int pools_explain(int rc, const struct vmm_pool *pool, struct vmm_error *err);

#endif
