/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Volumes by name: in RAM, empty or over an image, and on partitions and disks of the host. VM
 * definitions name them. Context of all functions: management task.
 */
#ifndef SOCLE_VMM_VOLUMES_H
#define SOCLE_VMM_VOLUMES_H

#include "core/lib/compiler.h"
#include "core/vmm/vm_config.h"
#include "drivers/block/volume.h"

#define VOLUMES_MAX 256u

/* What a volume is made of. */
struct volume_spec {
    char name[VM_VOLUME_NAME_MAX + 1];
    u64 size_bytes;                    /* in RAM: 0: as large as the image */
    char image[VM_IMAGE_NAME_MAX + 1]; /* in RAM: what it holds at first; empty: zeroes */
    char disk[BLK_NAME_MAX];           /* a host's disk; empty: in RAM */
    u32 partition;                     /* of that disk; 0: all of it */
    bool allow_boot;                   /* also what firmware may boot from */
    bool is_read_only;
};

/*
 * Makes one. Return: 0; -EEXIST (*out is the one there is; is it the same? volumes_is_same),
 * -EINVAL, -EBUSY (the partition is part of another volume), -ENOSPC, -ENOMEM, with *err filled.
 */
int volumes_create(const struct volume_spec *spec, struct volume **out,
                   struct vmm_error *err) must_check;
bool volumes_is_same(struct volume *volume, const struct volume_spec *spec);

struct volume *volumes_find(const char *name); /* NULL: there is none */

/* In name order: NULL for the first, NULL at the end. */
struct volume *volumes_next(const struct volume *after);
void volumes_get_spec(const struct volume *volume, struct volume_spec *out);

/* Makes it larger; running guests are told. Return: 0; -EINVAL (smaller, or not possible), -ENOMEM,
 * with *err filled. */
int volumes_grow(struct volume *volume, u64 size_bytes, struct vmm_error *err) must_check;

/* What is on a disk stays there. Return: 0, -EBUSY. */
int volumes_delete(struct volume *volume) must_check;

/* A volume without a name, only to be read, that shows an image; its user destroys it. Return: 0;
 * -ENOENT, -EINVAL (the image is empty), -ENOMEM. */
int volumes_of_image(const char *image, struct volume **out) must_check;

#endif
