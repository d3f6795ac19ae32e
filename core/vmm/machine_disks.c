/* SPDX-License-Identifier: BSD-2-Clause */
/* What the disks of a VM are on, from its start to its stop. */
#include "core/lib/errno.h"
#include "core/vmm/image_pool.h"
#include "core/vmm/machine.h"
#include "core/vmm/seed.h"
#include "core/vmm/vmm_error.h"
#include "core/vmm/volumes.h"

/* One at rest in a pool is read from there, one in RAM is a volume for this disk. */
static int open_image(const struct vm_disk *disk, struct volume **out, struct vmm_error *err)
{
    struct image *img = image_find(disk->image);
    int rc;

    *out = img ? image_pool_open_disk(img) : NULL;
    rc = *out ? 0 : volumes_of_image(disk->image, out);

    if (rc == -ENOENT)
        vmm_error_set(err, "semantic", "/disks", "Upload it with PUT /api/v1/images/{name} first.",
                      "There is no image \"%s\" for disk \"%s\".", disk->image, disk->id);
    else if (rc == -EINVAL)
        vmm_error_set(err, "semantic", "/disks", "Use one that is not empty.",
                      "Image \"%s\" of disk \"%s\" cannot be a disk.", disk->image, disk->id);
    else if (rc)
        vmm_error_no_memory(err);
    return rc == -ENOENT ? -EINVAL : rc;
}

static int open_volume(const struct vm_disk *disk, struct volume **out, struct vmm_error *err)
{
    struct volume *volume = volumes_find(disk->volume);
    int rc = volume ? volume_open(volume, !disk->is_read_only) : -ENOENT;

    if (rc == -ENOENT)
        vmm_error_set(err, "semantic", "/disks", "PUT /api/v1/volumes/{v} makes one.",
                      "There is no volume \"%s\" for disk \"%s\".", disk->volume, disk->id);
    else if (rc == -EPERM)
        vmm_error_set(err, "semantic", "/disks", "Set read_only for this disk.",
                      "Volume \"%s\" of disk \"%s\" can only be read.", disk->volume, disk->id);
    else if (rc == -ENODEV)
        vmm_error_set(err, "state", "/disks", "GET /api/v1/volumes/{v} says why.",
                      "The server of volume \"%s\" of disk \"%s\" has not answered yet.",
                      disk->volume, disk->id);
    else if (rc)
        vmm_error_set(err, "in_use", "/disks",
                      "One VM can write a volume, or many can read it; GET /api/v1/volumes/{v} "
                      "shows who has it.",
                      "Volume \"%s\" of disk \"%s\" is in use.", disk->volume, disk->id);
    else
        *out = volume;
    return rc == -EBUSY || rc == 0 ? rc : rc == -ENODEV ? -EBUSY : -EINVAL;
}

int machine_open_disk(const struct vm_disk *disk, struct volume **out, struct vmm_error *err)
{
    return disk->image[0] ? open_image(disk, out, err) : open_volume(disk, out, err);
}

void machine_close_disk(const struct vm_disk *disk, struct volume *volume)
{
    if (volume && disk->image[0] && !image_pool_close_disk(volume))
        volume->ops->destroy(volume);
    else if (volume && !disk->image[0])
        volume_close(volume, !disk->is_read_only);
}

static int open_seed(struct vmm_entry *entry, struct vmm_error *err)
{
    if (!entry->cfg.cloud_init || seed_make(&entry->cfg, &entry->seed) == 0)
        return 0;
    vmm_error_set(err, "no_memory", "/cloud_init", "Stop a VM or delete an image.",
                  "The hypervisor is out of memory.");
    return -ENOMEM;
}

int machine_open_disks(struct vmm_entry *entry, struct vmm_error *err)
{
    int rc = 0;

    for (u32 i = 0; rc == 0 && i < entry->cfg.disk_count; i++)
        rc = machine_open_disk(&entry->cfg.disks[i], &entry->disks[i], err);
    if (rc == 0)
        rc = open_seed(entry, err);
    return rc; /* who asked closes what is open */
}

void machine_close_disks(struct vmm_entry *entry)
{
    if (entry->seed)
        entry->seed->ops->destroy(entry->seed);
    entry->seed = NULL;
    for (u32 i = 0; i < VM_DISKS_MAX; i++) {
        machine_close_disk(&entry->cfg.disks[i], entry->disks[i]);
        entry->disks[i] = NULL;
    }
}
