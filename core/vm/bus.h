/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bus: address ranges → device handlers; one each for ports and for memory-mapped registers.
 *
 * An access must lie wholly inside one region; handlers get addresses relative to their region.
 * Reads of nothing give all ones, writes to nothing vanish. Look-ups take no lock: a generation
 * counter (odd while the table changes) makes a reader try again.
 */
#ifndef SOCLE_VM_BUS_H
#define SOCLE_VM_BUS_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"
#include "core/x86/spinlock.h"

struct vdev;

/* Context: vCPU task, no lock held. size is 1, 2, 4 or 8 bytes. */
struct bus_ops {
    u64 (*read)(struct vdev *dev, u64 offset, unsigned size);
    void (*write)(struct vdev *dev, u64 offset, unsigned size, u64 value);
};

struct bus_region {
    u64 base;
    u64 size;
    const struct bus_ops *ops;
    struct vdev *dev;
};

#define BUS_REGIONS_MAX 128

struct bus {
    struct spinlock lock;
    u32 generation; /* (a)tomic; odd while regions change */
    u32 count;
    struct bus_region regions[BUS_REGIONS_MAX]; /* sorted by base */
};

void bus_init(struct bus *bus, const char *name);

/* Return: 0, -EEXIST (overlap), -ENOSPC, -EINVAL (empty or wrapping). */
int bus_add(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops,
            struct vdev *dev) must_check;

/* Removes the region that begins there. Return: 0, -ENOENT (none of this device does). */
int bus_remove_at(struct bus *bus, u64 base, const struct vdev *dev) must_check;

/* Removes every region of the device. */
void bus_remove(struct bus *bus, const struct vdev *dev);

/* Return: false if nothing is there (*value is then all ones of that size). */
bool bus_read(struct bus *bus, u64 address, unsigned size, u64 *value);
bool bus_write(struct bus *bus, u64 address, unsigned size, u64 value);

#endif
