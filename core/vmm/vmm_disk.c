/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on single disks of VMs, which may run. */
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_blk.h"
#include "core/vmm/definition.h"
#include "core/vmm/machine.h"
#include "core/vmm/vmm_error.h"

/* Return: disk_count: there is none. */
static u32 place_of(const struct vm_config *cfg, const char *disk)
{
    u32 at = 0;

    while (at < cfg->disk_count && strcmp(cfg->disks[at].id, disk) != 0)
        at++;
    return at;
}

/* Whether a VM that runs may get what `next` has more. */
static int check_live(const struct vmm_entry *entry, const struct vm_config *next,
                      struct vmm_error *err)
{
    if (!entry->vm)
        return definition_wrong_state(entry, "Wait until it runs.", err);
    if (next->disk_count > entry->cfg.disk_count)
        return 0;
    vmm_error_set(err, "needs_stop", NULL, "Power it off, or take the disk away first.",
                  "VM \"%s\" is %s and has a disk of that id, which is another one.",
                  entry->cfg.name, vmm_state_name(entry->state));
    return -EBUSY;
}

/* The definition with that disk, if the VM may have it now. Return: 0; -EINVAL, -EBUSY with *err
 * filled. */
static int with_disk(const struct vmm_entry *entry, const struct vm_disk *disk,
                     struct vm_config *next, struct vmm_error *err)
{
    u32 at = place_of(&entry->cfg, disk->id);
    int rc;

    if (at == VM_DISKS_MAX) {
        vmm_error_set(err, "semantic", NULL, "Remove another disk first.",
                      "VM \"%s\" has %u disks, the most possible.", entry->cfg.name, VM_DISKS_MAX);
        return -EINVAL;
    }
    *next = entry->cfg;
    if (at < next->disk_count && memcmp(&next->disks[at], disk, sizeof(*disk)) == 0)
        return 0; /* the same again, in whatever state */
    next->disks[at] = *disk;
    next->disk_count = MAX(next->disk_count, at + 1);
    rc = definition_check(next, err);
    return rc || definition_is_off(entry) ? rc : check_live(entry, next, err);
}

int vmm_disk_check(u32 id, const struct vm_disk *disk, struct vmm_error *err)
{
    static struct vm_config next; /* large; one thread calls */
    const struct vmm_entry *entry = definition_find(id, err);

    return entry ? with_disk(entry, disk, &next, err) : -ENOENT;
}

int vmm_disk_put(u32 id, const struct vm_disk *disk, struct vmm_error *err)
{
    static struct vm_config next; /* large; one thread calls */
    struct vmm_entry *entry = definition_find(id, err);
    int rc = entry ? with_disk(entry, disk, &next, err) : -ENOENT;

    if (rc || memcmp(&next, &entry->cfg, sizeof(next)) == 0)
        return rc;
    return definition_is_off(entry) ? definition_set(entry, &next, err)
                                    : machine_plug_disk(entry, &next, err);
}

/* The guest is asked, and need not answer. */
static int ask(struct vmm_entry *entry, u32 at, struct vmm_error *err)
{
    const struct disk_removal *removal = &entry->removal;

    if (entry->state != VMM_RUNNING)
        return definition_wrong_state(entry, "Resume it first, or take the disk away by force.",
                                      err);
    if (removal->state != VMM_REMOVAL_PENDING)
        machine_ask_disk(entry, at);
    else if (strcmp(removal->disk, entry->cfg.disks[at].id) != 0) {
        vmm_error_set(err, "task_running", NULL, "Wait for the task, or take it away by force.",
                      "The guest of VM \"%s\" is being asked for disk \"%s\".", entry->cfg.name,
                      removal->disk);
        return -EBUSY;
    }
    return -EAGAIN;
}

int vmm_disk_remove(u32 id, const char *disk, bool force, struct vmm_error *err)
{
    struct vmm_entry *entry = definition_find(id, err);
    u32 at = entry ? place_of(&entry->cfg, disk) : 0;
    int rc;

    if (!entry)
        return -ENOENT;
    if (at == entry->cfg.disk_count) {
        vmm_error_set(err, "no_such", NULL, "GET /api/v1/vms/{vm} lists its disks.",
                      "VM \"%s\" has no disk \"%s\".", entry->cfg.name, disk);
        return -ENOENT;
    }
    if (!definition_is_off(entry) && !force)
        return ask(entry, at, err);
    rc = machine_unplug_disk(entry, at, force, err);
    if (rc == 0 && entry->removal.state == VMM_REMOVAL_PENDING &&
        strcmp(entry->removal.disk, disk) == 0)
        entry->removal.state = VMM_REMOVAL_DONE;
    return rc;
}

enum vmm_removal vmm_disk_removal(u32 id)
{
    const struct vmm_entry *entry = registry_find_id(id);

    return entry ? entry->removal.state : VMM_REMOVAL_NONE;
}

u32 vmm_disk_slot(u32 id, const char *disk)
{
    const struct vmm_entry *entry = registry_find_id(id);

    return entry && entry->vm ? virtio_blk_slot(entry->vm, disk) : 0;
}
