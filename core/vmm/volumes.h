/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes by name: in pools, in RAM, empty or over an image, and on partitions and disks of the
 * host. VM definitions name them. A snapshot is a volume of a pool that is only read. Context of
 * all functions: management task.
 */
#ifndef SOCLE_VMM_VOLUMES_H
#define SOCLE_VMM_VOLUMES_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"
#include "drivers/block/volume.h"

struct pool;

#define VOLUMES_MAX 4096u

#define VOLUME_POOL_NAME_MAX 63
#define VOLUME_EXPORT_MAX    255

/* What a volume is made of. */
struct volume_spec {
    char name[VM_VOLUME_NAME_MAX + 1];
    char pool[VOLUME_POOL_NAME_MAX + 1]; /* "ram"; empty: the source's, or the first that works, or
                                            RAM if there is none */
    u64 size_bytes;                      /* 0: as large as what it holds at first */
    char image[VM_IMAGE_NAME_MAX + 1];   /* what it holds at first: this, */
    char volume[VM_VOLUME_NAME_MAX + 1]; /* that, as it is now, */
    char snapshot[VM_VOLUME_NAME_MAX + 1]; /* or that; all empty: zeroes */
    char export[VOLUME_EXPORT_MAX + 1];    /* what the server of its pool calls it */
    char disk[BLK_NAME_MAX];               /* a host's disk; empty: in a pool or in RAM */
    u32 partition;                         /* of that disk; 0: all of it */
    bool allow_boot;                       /* also what firmware may boot from */
    bool is_read_only;
};

/*
 * Makes one. Return: 0; -EEXIST (*out is the one there is; is it the same? volumes_is_same;
 * NULL: its pool has one that is not known here),
 * -EINVAL, -EBUSY (the partition is part of another volume), -ENOSPC, -ENOMEM, or the pool's error,
 * with *err filled.
 */
int volumes_create(const struct volume_spec *spec, struct volume **out,
                   struct vmm_error *err) must_check;
/*
 * Whether volumes_create would take it, without making it, and what it would make: *spec gets its
 * pool and size. Only what the pool's disk would say, and whether there is room, remains open.
 * Return: as volumes_create.
 */
int volumes_check(struct volume_spec *spec, struct vmm_error *err) must_check;
bool volumes_is_same(struct volume *volume, const struct volume_spec *spec);

struct volume *volumes_find(const char *name); /* NULL: there is none */

/* In name order: NULL for the first, NULL at the end. */
struct volume *volumes_next(const struct volume *after);
void volumes_get_spec(const struct volume *volume, struct volume_spec *out);

/* Makes it larger; running guests are told. Return: 0; -EINVAL (smaller, or not possible), -ENOMEM,
 * with *err filled. */
int volumes_check_growth(const struct volume *volume, u64 size_bytes,
                         struct vmm_error *err) must_check; /* changes nothing; what the pool says
                                                               remains open */
int volumes_grow(struct volume *volume, u64 size_bytes, struct vmm_error *err) must_check;

/* What is on a disk or a server stays there, what is in RAM or in a pool is gone. Return: 0;
 * -EBUSY, or the pool's error, with *err filled. */
int volumes_delete(struct volume *volume, struct vmm_error *err) must_check;

/* What it was made of, image or volume, if that is still there; else NULL. */
const char *volumes_parent(const struct volume *volume);

/* A volume of a pool is there, or no longer, as the pool is. Its data stay. */
struct vmm_pool;
void volumes_adopt(struct vmm_pool *pool, const char *name);
bool volumes_in_use(const struct pool *engine);
void volumes_let_go(const struct pool *engine);

/* A volume without a name, only to be read, that shows an image; its user destroys it. Return: 0;
 * -ENOENT, -EINVAL (the image is empty), -ENOMEM. */
int volumes_of_image(const char *image, struct volume **out) must_check;

#endif
