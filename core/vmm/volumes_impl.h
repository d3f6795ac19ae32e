/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the volumes' registry share. Private to core/vmm. */
#ifndef SOCLE_VMM_VOLUMES_IMPL_H
#define SOCLE_VMM_VOLUMES_IMPL_H

#include "core/vmm/pools.h"
#include "core/vmm/volumes.h"

/* Makes one in RAM, empty or over an image. Return: 0; -EINVAL, -ENOMEM, or what reading the image
 * gave, with *err filled. */
int volumes_make_in_ram(const struct volume_spec *spec, struct volume **out,
                        struct vmm_error *err) must_check;

/* Makes a volume in a pool that works: empty, or of an image, a snapshot or another volume of the
 * same pool, with which it shares what neither changes. Return: 0; an error with *err filled. */
int volumes_make_in_pool(const struct volume_spec *spec, struct vmm_pool *pool, struct volume **out,
                         struct vmm_error *err) must_check;

/* Whether it could be made: all but what the pool itself says. *spec gets its pool and size.
 * Return: as that. */
int volumes_check_in_pool(struct volume_spec *spec, struct vmm_pool *pool,
                          struct vmm_error *err) must_check;

/* Makes one of a part of a disk. Return: 0; -EINVAL, -EBUSY, -ENOMEM with *err filled. */
int volumes_make_on_disk(const struct volume_spec *spec, struct volume **out,
                         struct vmm_error *err) must_check;

#endif
