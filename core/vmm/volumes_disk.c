/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes made of disks and partitions of the host. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes_impl.h"
#include "drivers/block/volume_disk.h"

static struct blkdev *find_disk(const char *name)
{
    struct blkdev *disk = blk_next(NULL);

    while (disk && strcmp(disk->name, name) != 0)
        disk = blk_next(disk);
    return disk;
}

static int explain_disk(int rc, const struct volume_spec *spec, struct vmm_error *err)
{
    if (rc == -EAGAIN)
        vmm_error_set(err, "state", "/disk", "Try again in a second.",
                      "The partition table of disk \"%s\" is still being read.", spec->disk);
    else if (rc == -ENOENT)
        vmm_error_set(err, "semantic", "/partition", "GET /api/v1/host/disks lists them.",
                      "Disk \"%s\" has no partition %u.", spec->disk, spec->partition);
    else if (rc == -EPERM)
        vmm_error_set(err, "semantic", "/boot_disk",
                      "Set boot_disk to true if guests may change what machines boot from.",
                      "Firmware may boot from this part of disk \"%s\".", spec->disk);
    else if (rc == -EBUSY)
        vmm_error_set(
            err, "in_use", "/disk", "GET /api/v1/volumes and GET /api/v1/pools show which.",
            "Another volume, or a pool, has this part of disk \"%s\", or some of it.", spec->disk);
    else if (rc)
        vmm_error_no_memory(err);
    return rc == -EAGAIN ? -EBUSY : rc == -ENOENT || rc == -EPERM ? -EINVAL : rc;
}

int volumes_make_on_disk(const struct volume_spec *spec, struct volume **out, struct vmm_error *err)
{
    struct volume_disk_source source = {
        .disk = find_disk(spec->disk),
        .partition = spec->partition,
        .allow_boot = spec->allow_boot,
        .is_read_only = spec->is_read_only,
    };

    if (!source.disk) {
        vmm_error_set(err, "semantic", "/disk", "GET /api/v1/host/disks lists them.",
                      "The host has no disk \"%s\".", spec->disk);
        return -EINVAL;
    }
    return explain_disk(volume_disk_create(spec->name, &source, out), spec, err);
}
