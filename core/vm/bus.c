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
        bus->regions[i] = bus->regions[i - 1];
    bus->regions[at] = *region;
    bus->count++;
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
    bus->count--;
    for (u32 i = at; i < bus->count; i++)
        bus->regions[i] = bus->regions[i + 1];
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
            bus->regions[kept++] = bus->regions[i];
    }
    bus->count = kept;
    end_change(bus);
    spin_unlock_irqrestore(&bus->lock, flags);
}

static bool search(const struct bus *bus, u64 address, unsigned size, struct bus_region *out)
{
    u32 low = 0, high = MIN(bus->count, (u32)BUS_REGIONS_MAX);

    while (low < high) {
        u32 middle = low + (high - low) / 2;
        const struct bus_region *r = &bus->regions[middle];

        if (address < r->base) {
            high = middle;
        } else if (address - r->base >= r->size) {
            low = middle + 1;
        } else {
            *out = *r;
            return size <= r->size - (address - r->base);
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
