/* SPDX-License-Identifier: BSD-2-Clause */
/* What every emulated device has in common; the first member of each model's struct. */
#ifndef SOCLE_VM_VDEV_H
#define SOCLE_VM_VDEV_H

#include "core/lib/types.h"
#include "core/x86/spinlock.h"

struct vm;
struct vdev;

struct vdev_ops {
    void (*reset)(struct vdev *dev); /* back to power-on state; vCPUs are not running */
    void (*fini)(struct vdev *dev);  /* cancels timers, frees the struct; vCPUs are gone */
};

struct vdev {
    const char *name;
    const struct vdev_ops *ops;
    struct vm *vm;
    struct spinlock lock; /* taken irqsave: timer callbacks take it too */
    struct vdev *next;    /* vm's device list, newest first: torn down in reverse order */
};

/* Initialises the common part and enters the device into the VM's list. Context: builder, or
 * management task while all vCPUs stand still. */
void vdev_attach(struct vm *vm, struct vdev *dev, const char *name, const struct vdev_ops *ops);

/* Takes it out of the list: whoever does it calls ops->fini then. Context: management task while
 * all vCPUs stand still. */
void vdev_detach(struct vdev *dev);

#endif
