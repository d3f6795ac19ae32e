/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes and snapshots of a pool: thin, sharing what they have in common, there again after a
 * reboot. */
#ifndef SOCLE_BLOCK_VOLUME_POOL_H
#define SOCLE_BLOCK_VOLUME_POOL_H

#include "core/lib/compiler.h"
#include "drivers/block/pool.h"
#include "drivers/block/volume.h"

/*
 * Opens one of that name in the store; destroying the struct volume closes it and no more. Context:
 * management task. Return: 0; -ENOMEM, and those of STORE_OPEN and STORE_STAT.
 */
int volume_pool_open(struct pool *pool, const char *name, struct volume **out) must_check;

/* The pool it is in; NULL if it is no volume of this kind. */
struct pool *volume_pool_of(const struct volume *volume);

/* Its id, and that of what it was made of (0: of nothing): the pool knows each once. */
u64 volume_pool_id(const struct volume *volume);
u64 volume_pool_origin(const struct volume *volume);

/*
 * Where a volume differs from another one of its pool, or from zeroes (base: NULL), by what they
 * share: *bytes, from offset on, are all different or all the same; that may go on behind them.
 * Context: management task. Return: 0; -ENOENT, or the pool's error.
 */
int volume_pool_compare(const struct volume *volume, const struct volume *base, u64 offset,
                        u64 *bytes, bool *is_different) must_check;

/*
 * Bytes from and to memory of the host, whatever the block size; whole volume, however it is used.
 * Context: management task. Return: 0; -EINVAL (outside), -ENOMEM, and those of requests.
 */
int volume_read(struct volume *volume, u64 offset, void *dst, size_t bytes) must_check;
int volume_write(struct volume *volume, u64 offset, const void *src, size_t bytes) must_check;
int volume_flush(struct volume *volume) must_check;

#endif
