/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blobs of pools that may be larger than the store allows for one: then the blob of that name says
 * which others hold its pieces. It is written last, so that a change happens wholly or not at all;
 * what a crash leaves is swept when the pool is looked at. Context: management task.
 */
#ifndef SOCLE_VMM_LARGE_BLOB_H
#define SOCLE_VMM_LARGE_BLOB_H

#include "core/lib/compiler.h"
#include "drivers/block/pool.h"

#define LARGE_BLOB_MAX      (256 * KiB)
#define LARGE_BLOB_NAME_MAX 47u

/* What the names of pieces begin with: slot (1 or 2), number of the piece, the blob's name. */
#define LARGE_BLOB_PREFIX "piece:"

/* Makes or replaces it; mem: in the heap, at most LARGE_BLOB_MAX. Return: 0, -ENOMEM, -E2BIG, or
 * the store's error: what was there still is. */
int large_blob_put(struct pool *pool, const char *name, u64 created_s, void *mem,
                   size_t bytes) must_check;

/* Reads it into memory that is the caller's to free. Return: 0; -EINVAL: what is kept makes no
 * sense; -ENOMEM, or the store's error. */
int large_blob_get(struct pool *pool, const char *name, void **mem, size_t *bytes) must_check;

/* Return: 0, -ENOENT, -ENOMEM, or the store's error. */
int large_blob_delete(struct pool *pool, const char *name) must_check;

/* Deletes a piece, by its name, that belongs to nothing. */
void large_blob_sweep(struct pool *pool, const char *piece);

#endif
