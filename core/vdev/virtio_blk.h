/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: a guest's disk on a volume. For the builder, and for what changes while it runs. */
#ifndef SOCLE_VDEV_VIRTIO_BLK_H
#define SOCLE_VDEV_VIRTIO_BLK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/volume.h"
#include "drivers/net/net_limit.h"

struct vdev;
struct vm;

#define VIRTIO_BLK_SERIAL_MAX 20u
#define VIRTIO_BLK_ID_MAX     31u

struct virtio_blk_config {
    char id[VIRTIO_BLK_ID_MAX + 1];         /* what the VM's definition calls it */
    char serial[VIRTIO_BLK_SERIAL_MAX + 1]; /* what the guest is told */
    struct volume *volume;                  /* opened by the caller; borrowed until vm_fini */
    bool is_read_only;
    bool can_discard;         /* the guest may give back what it does not need, if the volume can */
    struct net_limits limits; /* on requests (frames) and bytes, both ways together */
};

/* A disk with a queue per vCPU, up to a few. Context: builder, or management task while all vCPUs
 * stand still. Return: 0; -ENOMEM, -ENOSPC (vm_fini frees it then, or virtio_blk_unplug and fini).
 */
int virtio_blk_create(struct vm *vm, const struct virtio_blk_config *cfg) must_check;

/* Takes the disk in a slot off the guest. Context: management task while all vCPUs stand still.
 * Return: the device, whose ops->fini the caller calls when they may run again: it waits for
 * requests in flight; NULL: there is no such disk. */
struct vdev *virtio_blk_unplug(struct vm *vm, u32 slot);

/* Takes its volume from a disk, when requests in flight are done: all others fail from now on, and
 * it has no id any more. Context: management task while all vCPUs stand still. */
void virtio_blk_kill(struct vm *vm, const char *id);

/* Its slot on the PCI bus. Context: management task. Return: 0: there is no such disk. */
u32 virtio_blk_slot(struct vm *vm, const char *id);

/* A volume has grown: tells the guest, if it has a disk on it. Context: management task. */
void virtio_blk_resize(struct vm *vm, const struct volume *volume);

/* What a disk has done since the VM started. Context: management task. Return: NULL: there is no
 * such disk. */
const struct blk_stats *virtio_blk_stats(struct vm *vm, const char *id);

#endif
