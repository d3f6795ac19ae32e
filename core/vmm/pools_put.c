/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools made by request. Everything that can be wrong is looked for before anything is written. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/pools_impl.h"
#include "core/vmm/registry.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes.h"
#include "drivers/block/gpt.h"
#include "drivers/block/pool_disk.h"
#include "drivers/block/volume_disk.h"

#define FIRST_PARTITION 1u

static int refuse(struct vmm_error *err, int rc, const char *slug, const char *pointer,
                  const char *hint, const char *text, const char *disk)
{
    vmm_error_set(err, slug, pointer, hint, text, disk);
    return rc;
}

static struct blkdev *find_disk(const char *name)
{
    struct blkdev *disk = blk_next(NULL);

    while (disk && strcmp(disk->name, name) != 0)
        disk = blk_next(disk);
    return disk;
}

static int disk_error(int rc, const struct pool_spec *spec, struct vmm_error *err)
{
    if (rc == -ENOMEM)
        return refuse(err, rc, "no_memory", NULL, "Stop a VM or delete an image.",
                      "The hypervisor has too little memory to look at disk \"%s\".", spec->disk);
    if (rc == -EINVAL)
        return refuse(err, rc, "semantic", "/disk", "A pool needs 6 MiB at least.",
                      "Disk \"%s\" is too small.", spec->disk);
    return refuse(err, -EBUSY, "state", "/disk", "GET /api/v1/host/disks says how it is.",
                  "Disk \"%s\" failed.", spec->disk);
}

/* Whether the part of the disk is free for us: by making a volume of it, for a moment. */
static int check_free(const struct pool_spec *spec, struct blkdev *disk, struct vmm_error *err)
{
    struct volume_disk_source source = {.disk = disk,
                                        .partition = spec->partition,
                                        .allow_boot = spec->partition == 0 && spec->erase};
    struct volume *volume;
    int rc = volume_disk_create("", &source, &volume);

    if (rc == 0)
        volume->ops->destroy(volume);
    if (rc == -EAGAIN)
        return refuse(err, -EBUSY, "state", "/disk", "Try again in a second.",
                      "The partition table of disk \"%s\" is still being read.", spec->disk);
    if (rc == -ENOENT)
        return refuse(err, -EINVAL, "semantic", "/partition", "GET /api/v1/host/disks lists them.",
                      "Disk \"%s\" has no such partition.", spec->disk);
    if (rc == -EPERM)
        return refuse(err, -EINVAL, "semantic", "/disk",
                      "Use another disk, or add \"erase\": true if all on this one may be lost.",
                      "Firmware may boot from this part of disk \"%s\".", spec->disk);
    if (rc == -EBUSY)
        return refuse(err, -EBUSY, "in_use", "/disk",
                      "GET /api/v1/volumes and GET /api/v1/pools show which.",
                      "A volume or pool has this part of disk \"%s\", or some of it.", spec->disk);
    return rc ? disk_error(rc, spec, err) : 0;
}

static const struct gpt_partition *find_partition(const struct blkdev *disk, u32 number)
{
    const struct gpt *gpt = __atomic_load_n(&disk->gpt, __ATOMIC_ACQUIRE);

    for (u32 i = 0; gpt && i < gpt->count; i++) {
        if (gpt->parts[i].number == number)
            return &gpt->parts[i];
    }
    return NULL;
}

static int check_type(const struct pool_spec *spec, const struct gpt_partition *part,
                      struct vmm_error *err)
{
    static const u8 type[16] = STORE_PARTITION_TYPE;

    if (memcmp(part->type, type, sizeof(type)) == 0)
        return 0;
    return refuse(err, -EINVAL, "semantic", "/partition",
                  "Give it the type 5b1f5a0e-7c34-4d0b-9a57-50c1e0da7a01 (sgdisk -t), or use an "
                  "empty disk.",
                  "This partition of disk \"%s\" is of another type than a datastore's.",
                  spec->disk);
}

/* Data are not overwritten unless that was said. */
static int check_blank(const struct pool_spec *spec, struct blkdev *disk,
                       const struct gpt_partition *part, struct vmm_error *err)
{
    const struct gpt *gpt = __atomic_load_n(&disk->gpt, __ATOMIC_ACQUIRE);
    bool is_blank = true;
    int rc;

    if (disk->is_read_only)
        return refuse(err, -EINVAL, "semantic", "/disk", "Use another disk.",
                      "Disk \"%s\" can only be read.", spec->disk);
    if (spec->erase)
        return 0;
    if (!part && gpt->count > 0)
        is_blank = false;
    rc = !is_blank ? 0
                   : pool_disk_look(disk, part ? part->first_lba : 0,
                                    part ? part->blocks : disk->block_count, &is_blank);
    if (rc)
        return disk_error(rc, spec, err);
    if (is_blank)
        return 0;
    return refuse(err, -EBUSY, "state", "/format",
                  "Add \"erase\": true if all that is there may be lost.",
                  "There are data on this part of disk \"%s\".", spec->disk);
}

int pools_check_name(const char *name, struct vmm_error *err)
{
    if (!vm_name_is_valid(name) || strcmp(name, POOL_RAM) == 0)
        return refuse(err, -EINVAL, "bad_value", "/name",
                      "Use 1 to 63 of a-z, 0-9 and '-', not '-' first, and not \"ram\".",
                      "This cannot be the name of a pool.%s", "");
    if (pools_count() == POOLS_MAX)
        return refuse(err, -ENOSPC, "no_space", NULL, "Delete one.",
                      "There are as many pools as possible.%s", "");
    return 0;
}

/* A table for the whole disk, if that was asked for. */
static int partition(struct pool_spec *spec, struct blkdev *disk, struct vmm_error *err)
{
    u8 disk_uuid[16], part_uuid[16];
    int rc;

    if (spec->partition != 0)
        return 0;
    vmm_uuid_make(spec->name, disk_uuid);
    vmm_uuid_make(spec->name, part_uuid);
    rc = pool_disk_partition(disk, disk_uuid, part_uuid, spec->name);
    spec->partition = FIRST_PARTITION;
    return rc ? disk_error(rc, spec, err) : 0;
}

static int check(const struct pool_spec *spec, struct blkdev *disk, struct vmm_error *err)
{
    const struct gpt_partition *part = NULL;
    int rc = check_free(spec, disk, err);

    if (rc == 0 && spec->partition != 0) {
        part = find_partition(disk, spec->partition);
        rc = check_type(spec, part, err);
    } else if (rc == 0 && !spec->format) {
        rc = refuse(err, -EINVAL, "semantic", "/partition",
                    "Name its partition, or add \"format\": true to make a new one.",
                    "A pool is in a partition of disk \"%s\".", spec->disk);
    }
    return rc == 0 && spec->format ? check_blank(spec, disk, part, err) : rc;
}

/* The one there is already. */
static int again(const struct pool_spec *spec, const struct vmm_pool *pool, struct vmm_error *err)
{
    if (!pool->remote && strcmp(pool->disk->name, spec->disk) == 0 &&
        (spec->partition == 0 || pool->partition == spec->partition) && !pool->is_ending)
        return 0;
    return refuse(err, -EEXIST, pool->is_ending ? "state" : "exists", NULL,
                  "Choose another name, or delete that pool first.",
                  "There is another pool \"%s\".", spec->name);
}

int pools_check(const struct pool_spec *spec, struct vmm_error *err)
{
    const struct vmm_pool *pool = pools_find(spec->name);
    struct blkdev *disk = find_disk(spec->disk);
    int rc;

    if (pool)
        return again(spec, pool, err);
    rc = pools_check_name(spec->name, err);
    if (rc == 0 && !disk)
        rc = refuse(err, -EINVAL, "semantic", "/disk", "GET /api/v1/host/disks lists them.",
                    "The host has no disk \"%s\".", spec->disk);
    return rc ? rc : check(spec, disk, err);
}

int pools_put(const struct pool_spec *spec, struct vmm_pool **out, struct vmm_error *err)
{
    struct pool_spec made = *spec;
    struct blkdev *disk = find_disk(spec->disk);
    u8 uuid[16];
    int rc = pools_check(spec, err);

    *out = pools_find(spec->name);
    if (rc || *out)
        return rc;
    rc = partition(&made, disk, err);
    if (rc)
        return rc;
    vmm_uuid_make(spec->name, uuid);
    *out = pools_attach(spec->name, disk, made.partition, spec->format ? uuid : NULL);
    if (*out)
        (*out)->is_named = true;
    return *out ? 0
                : refuse(err, -ENOMEM, "no_memory", NULL, "Stop a VM or delete an image.",
                         "The hypervisor has too little memory for a pool on \"%s\".", spec->disk);
}
