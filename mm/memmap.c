/* SPDX-License-Identifier: BSD-2-Clause */
/* Usable RAM as sorted ranges, made from whatever the firmware's map says. */
#include "mm/memmap.h"

#include "boot/boot_info.h"
#include "core/lib/errno.h"
#include "core/lib/string.h"
#include "core/x86/log.h"

/* x86 addresses at most 52 physical bits; what a map claims beyond is nonsense. */
#define PHYSICAL_END BIT(52)

void memmap_init(struct memmap *map)
{
    map->count = 0;
    map->lent_count = 0;
}

static void delete_at(struct memmap *map, u32 i)
{
    map->count--;
    memmove(&map->ranges[i], &map->ranges[i + 1], (map->count - i) * sizeof(map->ranges[0]));
}

static int insert_at(struct memmap *map, u32 i, u64 base, u64 end)
{
    if (map->count == MEMMAP_RANGES_MAX)
        return -ENOSPC;
    memmove(&map->ranges[i + 1], &map->ranges[i], (map->count - i) * sizeof(map->ranges[0]));
    map->ranges[i] = (struct memmap_range){base, end};
    map->count++;
    return 0;
}

/* The end of a range, cut where addresses end. */
static u64 range_end(u64 base, u64 bytes)
{
    if (base >= PHYSICAL_END)
        return base;
    return bytes > PHYSICAL_END - base ? PHYSICAL_END : base + bytes;
}

int memmap_add(struct memmap *map, u64 base, u64 bytes)
{
    u64 end = ALIGN_DOWN(range_end(base, bytes), PAGE_SIZE);
    u32 i = 0;

    if (base >= PHYSICAL_END)
        return 0;
    base = ALIGN_UP(base, PAGE_SIZE);
    if (base >= end)
        return 0;
    while (i < map->count && map->ranges[i].end < base)
        i++;
    while (i < map->count && map->ranges[i].base <= end) {
        base = MIN(base, map->ranges[i].base);
        end = MAX(end, map->ranges[i].end);
        delete_at(map, i);
    }
    return insert_at(map, i, base, end);
}

int memmap_remove(struct memmap *map, u64 base, u64 bytes)
{
    u64 end = ALIGN_UP(range_end(base, bytes), PAGE_SIZE);
    u32 i = 0;

    if (bytes == 0 || base >= PHYSICAL_END)
        return 0;
    base = ALIGN_DOWN(base, PAGE_SIZE);
    while (i < map->count) {
        struct memmap_range *r = &map->ranges[i];
        u64 old_end = r->end;

        if (r->end <= base || r->base >= end) {
            i++;
        } else if (r->base < base) {
            r->end = base;
            if (old_end > end)
                return insert_at(map, i + 1, end, old_end);
            i++;
        } else if (old_end > end) {
            r->base = end;
            i++;
        } else {
            delete_at(map, i);
        }
    }
    return 0;
}

u64 memmap_total(const struct memmap *map)
{
    u64 total = 0;

    for (u32 i = 0; i < map->count; i++)
        total += map->ranges[i].end - map->ranges[i].base;
    return total;
}

u64 memmap_top(const struct memmap *map)
{
    u64 top = map->count ? map->ranges[map->count - 1].end : 0;

    for (u32 i = 0; i < map->lent_count; i++)
        top = MAX(top, map->lent[i].end);
    return top;
}

/* Applies fn to each region of the boot map that is usable, or that is not. Return: regions that
 * got lost. */
static u32 for_each_region(struct memmap *map, const struct boot_info *info, bool usable,
                           int (*fn)(struct memmap *map, u64 base, u64 bytes))
{
    u32 count = MIN(info->region_count, BOOT_REGIONS_MAX);
    u32 lost = 0;

    for (u32 i = 0; i < count; i++) {
        const struct boot_region *r = &info->regions[i];

        if ((r->kind == BOOT_REGION_USABLE) == usable && fn(map, r->base, r->bytes))
            lost++;
    }
    return lost;
}

_Static_assert(MEMMAP_LENT_MAX >= BOOT_MODULES_MAX, "each module has a range");

/* The pages of each module, which the usable ranges must not contain. Return: 1 if RAM got lost. */
static u32 lend_modules(struct memmap *map, const struct boot_info *info)
{
    u32 count = MIN(info->module_count, BOOT_MODULES_MAX);
    u32 lost = 0;

    for (u32 i = 0; i < count; i++) {
        u64 base = info->modules[i].base;
        u64 end = ALIGN_UP(range_end(base, info->modules[i].bytes), PAGE_SIZE);

        map->lent[map->lent_count++] = (struct memmap_range){base, end};
        if (memmap_remove(map, base, end - base))
            lost = 1;
    }
    return lost;
}

void memmap_from_boot(struct memmap *map, const struct boot_info *info)
{
    u32 lost;

    memmap_init(map);
    lost = for_each_region(map, info, true, memmap_add);
    lost += for_each_region(map, info, false, memmap_remove);
    lost += lend_modules(map, info);
    if (memmap_remove(map, 0, PAGE_SIZE))
        lost++;
    if (lost > 0)
        log_warn("memmap", "%u pieces of RAM are left out: the firmware's map is too fragmented",
                 lost);
}
