/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images at rest in pools: the bytes are a volume of the store, and a blob beside it says what they
 * are. Context of all functions: management task; they wait for the pool.
 */
#ifndef SOCLE_VMM_IMAGE_POOL_H
#define SOCLE_VMM_IMAGE_POOL_H

#include "core/vmm/image.h"
#include "core/vmm/pools.h"

struct volume;

/* What the names of their volumes and blobs begin with: no volume of a user can. */
#define IMAGE_POOL_PREFIX "image:"

/* A place for an image that will be uploaded. Return: 0; -EBUSY (the pool does not work), -ENOMEM,
 * and those of STORE_CREATE. */
int image_pool_begin(struct vmm_pool *pool, u64 size_hint, struct image_rest **out) must_check;

/* Takes in the image that a blob tells of. */
void image_pool_adopt(struct vmm_pool *pool, const char *blob);

/* A volume that no blob tells of, left by an upload that did not end: deletes it. */
void image_pool_sweep(struct vmm_pool *pool, const char *volume);

bool image_pool_in_use(const struct pool *engine);
void image_pool_let_go(const struct pool *engine);

/* The volume with an image's bytes; NULL: it is in RAM. */
struct volume *image_pool_volume(const struct image *img);

/* Holds an image and opens its volume, to be read, as a VM's disk. Return: NULL: it is in RAM. */
struct volume *image_pool_open_disk(struct image *img);
/* Return: false if the volume is no image's. */
bool image_pool_close_disk(struct volume *volume);

/* The name of the image whose volume has that id; NULL: there is none. */
const char *image_pool_name_of(const struct pool *engine, u64 id);

#endif
