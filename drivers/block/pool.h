/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool: a datastore (core/store) on a volume, usually a partition of a disk, with a task of its
 * own that is the only one to touch it. Others hand in operations and are told of their ends.
 */
#ifndef SOCLE_BLOCK_POOL_H
#define SOCLE_BLOCK_POOL_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/store/store.h"
#include "drivers/block/volume.h"

struct pool; /* opaque */

enum pool_state {
    POOL_FORMATTING,
    POOL_MOUNTING,
    POOL_ONLINE,
    POOL_FAILED, /* it could not be mounted, or its metadata could not be written */
    POOL_UNMOUNTING,
};

/*
 * Begins to mount the datastore on a volume, open for writing and the caller's until pool_free();
 * with a UUID it is formatted first. news: called, by the pool's task, when the state has changed.
 * Context: task. Return: 0; -EINVAL (too small or too large), -ENOMEM.
 */
int pool_start(struct volume *on, const u8 *format_uuid, void (*news)(void),
               struct pool **out) must_check;

/*
 * Carries out an operation and waits; buf: what op->mem is for others, in memory of the heap. pool:
 * may be NULL, as one that fails at any instant is for those who ask for one that works. Context:
 * task, not the pool's, no lock held. Return: op->status; -EBUSY if it is not mounted.
 */
int pool_run(struct pool *pool, struct store_op *op, void *buf) must_check;

/* Ends the use of a volume of the store. Context: as pool_run. Return: 0, -EBUSY. */
int pool_close_volume(struct pool *pool, struct store_volume *volume) must_check;

/* Takes a request to a volume of the store, which volume_submit() has found good; done() follows.
 * Context: task, no lock held. */
void pool_submit(struct pool *pool, struct store_volume *volume, struct volume_req *req);

/* Context: any. error: why it failed: -ENOENT (no datastore), -EINVAL (damaged), -EPERM (the disk
 * is read-only), -ENOMEM, or the disk's. */
enum pool_state pool_get_state(const struct pool *pool, int *error);

/* As it was an instant ago. Context: any. */
void pool_get_usage(struct pool *pool, struct store_usage *out);

/*
 * Begins to end it: what is in progress ends first, nothing new may come. Then the memory can be
 * freed. Context: task.
 */
void pool_stop(struct pool *pool);
bool pool_has_stopped(const struct pool *pool);
void pool_free(struct pool *pool);

/* What sizes of its volumes are multiples of. */
u32 pool_block_bytes(const struct pool *pool);

const char *pool_state_name(enum pool_state state);

/* Walks the objects, as store_next(). Between two calls they may change. Context: as pool_run. */
u32 pool_next(struct pool *pool, u32 number, enum store_object_kind *kind);

#endif
