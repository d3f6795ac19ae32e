/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usable RAM of the host as sorted, disjoint, page-aligned ranges.
 *
 * Firmware maps overlap and are unaligned on real machines: usable ranges shrink to whole pages,
 * reserved ones grow to whole pages and win over usable ones whatever the order they come in.
 */
#ifndef SOCLE_MM_MEMMAP_H
#define SOCLE_MM_MEMMAP_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define MEMMAP_RANGES_MAX 256
#define MEMMAP_LENT_MAX   32

struct memmap_range {
    u64 base;
    u64 end; /* exclusive */
};

struct memmap {
    u32 count;
    struct memmap_range ranges[MEMMAP_RANGES_MAX];
    u32 lent_count;
    struct memmap_range lent[MEMMAP_LENT_MAX]; /* RAM that is in use now and may become free later:
                                                  apart from ranges, one per owner, never joined */
};

struct boot_info;

void memmap_init(struct memmap *map);

/* Adds RAM, merging what touches. Return: 0, -ENOSPC (the smaller piece is left out). */
int memmap_add(struct memmap *map, u64 base, u64 bytes) must_check;

/* Takes the range away. Return: 0, -ENOSPC (a range had to be split and its upper part was given
 * up). */
int memmap_remove(struct memmap *map, u64 base, u64 bytes) must_check;

/*
 * RAM the page allocator may use: usable regions of the boot map less everything else in it, and
 * less page 0. A map with too many pieces loses some of them, with a log line. The loader's modules
 * become lent ranges, in their order.
 */
void memmap_from_boot(struct memmap *map, const struct boot_info *info);

u64 memmap_total(const struct memmap *map);

/* End of the highest range, lent ones included. */
u64 memmap_top(const struct memmap *map);

#endif
