/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted regions, binary search without a lock. */
#include "core/vm/bus.h"

#include "core/lib/errno.h"

void bus_init(struct bus *bus, const char *name)
{
    spin_init(&bus->lock, name, LOCK_BUS);
    bus->generation = 0;
    bus->count = 0;
}

static void begin_change(struct bus *bus)
{
    __atomic_store_n(&bus->generation, bus->generation + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void end_change(struct bus *bus)
{
    __atomic_store_n(&bus->generation, bus->generation + 1, __ATOMIC_RELEASE);
}

/*
 * Readers may look at a region while it changes, and then throw away what they saw: each member is
 * read and written in one piece, in no order.
 */
static void copy_region(struct bus_region *to, const struct bus_region *from)
{
    __atomic_store_n(&to->base, __atomic_load_n(&from->base, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(&to->size, __atomic_load_n(&from->size, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(&to->ops, __atomic_load_n(&from->ops, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    __atomic_store_n(&to->dev, __atomic_load_n(&from->dev, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static void set_count(struct bus *bus, u32 count)
{
    __atomic_store_n(&bus->count, count, __ATOMIC_RELAXED);
}

static int insert(struct bus *bus, const struct bus_region *region)
{
    u32 at = 0;

    if (bus->count == BUS_REGIONS_MAX)
        return -ENOSPC;
    while (at < bus->count && bus->regions[at].base < region->base)
        at++;
    if (at > 0 && bus->regions[at - 1].base + bus->regions[at - 1].size > region->base)
        return -EEXIST;
    if (at < bus->count && region->base + region->size > bus->regions[at].base)
        return -EEXIST;
    begin_change(bus);
    for (u32 i = bus->count; i > at; i--)
        copy_region(&bus->regions[i], &bus->regions[i - 1]);
    copy_region(&bus->regions[at], region);
    set_count(bus, bus->count + 1);
    end_change(bus);
    return 0;
}

int bus_add(struct bus *bus, u64 base, u64 size, const struct bus_ops *ops, struct vdev *dev)
{
    struct bus_region region = {base, size, ops, dev};
    u64 flags;
    int rc;

    if (size == 0 || base + size < base)
        return -EINVAL;
    flags = spin_lock_irqsave(&bus->lock);
    rc = insert(bus, &region);
    spin_unlock_irqrestore(&bus->lock, flags);
    return rc;
}

int bus_remove_at(struct bus *bus, u64 base, const struct vdev *dev)
{
    u64 flags = spin_lock_irqsave(&bus->lock);
    u32 at = 0;

    while (at < bus->count && (bus->regions[at].base != base || bus->regions[at].dev != dev))
        at++;
    if (at == bus->count) {
        spin_unlock_irqrestore(&bus->lock, flags);
        return -ENOENT;
    }
    begin_change(bus);
    set_count(bus, bus->count - 1);
    for (u32 i = at; i < bus->count; i++)
        copy_region(&bus->regions[i], &bus->regions[i + 1]);
    end_change(bus);
    spin_unlock_irqrestore(&bus->lock, flags);
    return 0;
}

void bus_remove(struct bus *bus, const struct vdev *dev)
{
    u64 flags = spin_lock_irqsave(&bus->lock);
    u32 kept = 0;

    begin_change(bus);
    for (u32 i = 0; i < bus->count; i++) {
        if (bus->regions[i].dev != dev)
            copy_region(&bus->regions[kept++], &bus->regions[i]);
    }
    set_count(bus, kept);
    end_change(bus);
    spin_unlock_irqrestore(&bus->lock, flags);
}

static bool search(const struct bus *bus, u64 address, unsigned size, struct bus_region *out)
{
    u32 low = 0, high = __atomic_load_n(&bus->count, __ATOMIC_RELAXED);

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        const struct bus_region *r = &bus->regions[middle];
        u64 base = __atomic_load_n(&r->base, __ATOMIC_RELAXED);
        u64 bytes = __atomic_load_n(&r->size, __ATOMIC_RELAXED);

        if (address < base) {
            high = middle;
        } else if (address - base >= bytes) {
            low = middle + 1;
        } else {
            copy_region(out, r);
            return size <= bytes - (address - base);
        }
    }
    return false;
}

/* Copies the region out, so that a change of the table after the look-up does no harm. */
static bool find(const struct bus *bus, u64 address, unsigned size, struct bus_region *out)
{
    for (;;) {
        u32 before = __atomic_load_n(&bus->generation, __ATOMIC_ACQUIRE);
        bool found;

        if ((before & 1) != 0) {
            __builtin_ia32_pause();
            continue;
        }
        found = search(bus, address, size, out);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&bus->generation, __ATOMIC_RELAXED) == before)
            return found;
    }
}

bool bus_read(struct bus *bus, u64 address, unsigned size, u64 *value)
{
    u64 ones = size >= 8 ? ~0ull : (1ull << (8 * size)) - 1;
    struct bus_region region;

    if (!find(bus, address, size, &region)) {
        *value = ones;
        return false;
    }
    *value = region.ops->read(region.dev, address - region.base, size) & ones;
    return true;
}

bool bus_write(struct bus *bus, u64 address, unsigned size, u64 value)
{
    struct bus_region region;

    if (!find(bus, address, size, &region))
        return false;
    region.ops->write(region.dev, address - region.base, size, value);
    return true;
}
