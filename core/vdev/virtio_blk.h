/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: a guest's disk on a volume. For the builder, and for what changes while it runs. */
#ifndef SOCLE_VDEV_VIRTIO_BLK_H
#define SOCLE_VDEV_VIRTIO_BLK_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "drivers/block/volume.h"
#include "drivers/net/net_limit.h"

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

/* A disk with a queue per vCPU, up to a few. Context: builder. Return: 0; -ENOMEM, -ENOSPC (vm_fini
 * frees it then). */
int virtio_blk_create(struct vm *vm, const struct virtio_blk_config *cfg) must_check;

/* A volume has grown: tells the guest, if it has a disk on it. Context: management task. */
void virtio_blk_resize(struct vm *vm, const struct volume *volume);

/* What a disk has done since the VM started. Context: management task. Return: NULL: there is no
 * such disk. */
const struct blk_stats *virtio_blk_stats(struct vm *vm, const char *id);

#endif
