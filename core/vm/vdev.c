/* SPDX-License-Identifier: BSD-2-Clause */
/* The device list of a VM. */
#include "core/vm/vdev.h"

#include "core/vm/vm.h"

void vdev_attach(struct vm *vm, struct vdev *dev, const char *name, const struct vdev_ops *ops)
{
    dev->name = name;
    dev->ops = ops;
    dev->vm = vm;
    spin_init(&dev->lock, name, LOCK_VDEV);
    dev->next = vm->devices;
    vm->devices = dev;
}

void vdev_detach(struct vdev *dev)
{
    struct vdev **link = &dev->vm->devices;

    while (*link != dev)
        link = &(*link)->next;
    *link = dev->next;
}
