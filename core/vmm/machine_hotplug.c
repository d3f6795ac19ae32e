/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks that come and go while the guest runs.
 *
 * Devices are put on the board and taken off it while all vCPUs stand still, so that none is in a
 * device's handler; the guest is told afterwards. A disk is asked for first, and leaves when the
 * guest gives it up; one that does not within the time keeps it. One that is taken by force loses
 * its volume at once, and what is left of it is asked for. The definition is kept first: if that
 * fails, nothing else happens, and a disk that was given up is shown to the guest again.
 */
#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/vdev/virtio_blk.h"
#include "core/vdev/vpci.h"
#include "core/vmm/definition.h"
#include "core/vmm/machine.h"
#include "core/vmm/vm_build.h"
#include "core/vmm/vmm_error.h"
#include "core/x86/log.h"

static void stand_still(struct vmm_entry *entry)
{
    vm_pause(entry->vm);
}

static void go_on(struct vmm_entry *entry)
{
    if (entry->state == VMM_RUNNING)
        vm_resume(entry->vm);
}

/* Takes the device off the guest, waits for its requests in flight, and tells the guest. */
static void take_off(struct vmm_entry *entry, u32 slot)
{
    struct vdev *dev;

    stand_still(entry);
    dev = virtio_blk_unplug(entry->vm, slot);
    go_on(entry);
    if (dev)
        dev->ops->fini(dev);
    vpci_announce(entry->vm->pci, slot);
}

/* Takes the volume from the device, which stays until the guest gives it up: drivers wait for ever
 * for what a device that has vanished does not answer, but not for errors. */
static void kill_disk(struct vmm_entry *entry, const char *id)
{
    u32 slot = virtio_blk_slot(entry->vm, id);

    stand_still(entry);
    virtio_blk_kill(entry->vm, id);
    go_on(entry);
    entry->dead_slots |= (u32)BIT(slot);
    vpci_want_eject(entry->vm->pci, slot);
}

/* Takes a place out of the list of disks; what is on it must have been closed, or noted. */
static void forget_place(struct vmm_entry *entry, u32 at)
{
    for (u32 i = at; i + 1 < VM_DISKS_MAX; i++)
        entry->disks[i] = entry->disks[i + 1];
    entry->disks[VM_DISKS_MAX - 1] = NULL;
}

int machine_unplug_disk(struct vmm_entry *entry, u32 at, bool force, struct vmm_error *err)
{
    static struct vm_config next; /* large; one thread calls */
    struct vm_disk disk = entry->cfg.disks[at];
    struct volume *volume = entry->disks[at];
    int rc;

    next = entry->cfg;
    next.disk_count--;
    for (u32 i = at; i < next.disk_count; i++)
        next.disks[i] = next.disks[i + 1];
    memset(&next.disks[next.disk_count], 0, sizeof(next.disks[0]));
    rc = definition_set(entry, &next, err);
    if (rc)
        return rc;
    forget_place(entry, at);
    if (entry->vm && force)
        kill_disk(entry, disk.id);
    else if (entry->vm)
        take_off(entry, virtio_blk_slot(entry->vm, disk.id));
    machine_close_disk(&disk, volume);
    return 0;
}

static int no_room(int rc, const struct vmm_entry *entry, struct vmm_error *err)
{
    if (rc == -ENOSPC)
        vmm_error_set(err, "no_space", NULL, "Remove another disk first.",
                      "VM \"%s\" has no place for another device.", entry->cfg.name);
    else
        vmm_error_no_memory(err);
    return rc;
}

int machine_plug_disk(struct vmm_entry *entry, const struct vm_config *next, struct vmm_error *err)
{
    u32 at = entry->cfg.disk_count;
    const struct vm_disk *disk = &next->disks[at];
    struct vdev *left = NULL; /* of a device that could not be built whole */
    struct vmm_error ignored;
    int rc = machine_open_disk(disk, &entry->disks[at], err);

    if (rc == 0)
        rc = definition_set(entry, next, err);
    if (rc) {
        machine_close_disk(disk, entry->disks[at]);
        entry->disks[at] = NULL;
        return rc;
    }
    stand_still(entry);
    rc = vm_build_disk(entry->vm, disk, entry->disks[at]);
    if (rc)
        left = virtio_blk_unplug(entry->vm, virtio_blk_slot(entry->vm, disk->id));
    go_on(entry);
    if (left)
        left->ops->fini(left);
    if (rc == 0) {
        vpci_announce(entry->vm->pci, virtio_blk_slot(entry->vm, disk->id));
        return 0;
    }
    if (machine_unplug_disk(entry, at, false, &ignored))
        log_warn("vmm", "VM %s: disk %s, which could not be added, stays in its definition",
                 entry->cfg.name, disk->id);
    return no_room(rc, entry, err);
}

void machine_ask_disk(struct vmm_entry *entry, u32 at)
{
    struct disk_removal *removal = &entry->removal;

    removal->state = VMM_REMOVAL_PENDING;
    (void)str_copy(removal->disk, sizeof(removal->disk), entry->cfg.disks[at].id);
    removal->deadline_ns = time_ns() + VMM_REMOVAL_NS;
    vpci_want_eject(entry->vm->pci, virtio_blk_slot(entry->vm, removal->disk));
    machine_wake_at(removal->deadline_ns);
}

/* Return: true: it is gone. */
static bool complete(struct vmm_entry *entry)
{
    struct vmm_error err;
    u32 at = 0;

    while (at < entry->cfg.disk_count && strcmp(entry->cfg.disks[at].id, entry->removal.disk) != 0)
        at++;
    entry->removal.state = VMM_REMOVAL_DONE;
    if (at == entry->cfg.disk_count || machine_unplug_disk(entry, at, false, &err) == 0)
        return true;
    log_warn("vmm", "VM %s keeps disk %s: %s", entry->cfg.name, entry->removal.disk, err.text);
    entry->removal.state = VMM_REMOVAL_NOT_KEPT;
    return false;
}

static void poll_dead(struct vmm_entry *entry)
{
    for (u32 slot = 1; entry->dead_slots != 0 && slot < GUEST_PCI_SLOTS; slot++) {
        if (!(entry->dead_slots & BIT(slot)) || !vpci_was_ejected(entry->vm->pci, slot))
            continue;
        entry->dead_slots &= ~(u32)BIT(slot);
        take_off(entry, slot);
    }
}

void machine_poll_removal(struct vmm_entry *entry)
{
    struct vpci *pci = entry->vm->pci;
    u32 slot;

    poll_dead(entry);
    if (entry->removal.state != VMM_REMOVAL_PENDING)
        return;
    slot = virtio_blk_slot(entry->vm, entry->removal.disk);
    if (vpci_was_ejected(pci, slot)) {
        if (!complete(entry))
            vpci_announce(pci, slot);
    } else if (time_ns() >= entry->removal.deadline_ns) {
        vpci_want_back(pci, slot);
        entry->removal.state = VMM_REMOVAL_NO_ANSWER;
    } else {
        machine_wake_at(entry->removal.deadline_ns);
    }
}

void machine_end_removal(struct vmm_entry *entry)
{
    entry->dead_slots = 0;
    if (entry->removal.state == VMM_REMOVAL_PENDING)
        (void)complete(entry);
}
