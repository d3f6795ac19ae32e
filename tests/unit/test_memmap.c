/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mm/memmap.c tests/fakes/log.c */
/* Whatever the firmware's map looks like, the usable ranges are sorted, disjoint, aligned and
 * really usable. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "boot/boot_info.h"
#include "core/lib/errno.h"
#include "mm/memmap.h"

static struct memmap map;
static struct boot_info info;

static void region(u64 base, u64 bytes, u32 kind)
{
    info.regions[info.region_count++] = (struct boot_region){base, bytes, kind, 0};
}

static void check_sane(void)
{
    for (u32 i = 0; i < map.count; i++) {
        CHECK(map.ranges[i].base < map.ranges[i].end);
        CHECK_EQ((map.ranges[i].base | map.ranges[i].end) % PAGE_SIZE, 0);
        if (i > 0)
            CHECK(map.ranges[i - 1].end < map.ranges[i].base);
    }
}

TEST(merges_what_touches_and_overlaps)
{
    memmap_init(&map);
    CHECK_EQ(memmap_add(&map, 0x5000, 0x1000), 0);
    CHECK_EQ(memmap_add(&map, 0x1000, 0x1000), 0);
    CHECK_EQ(memmap_add(&map, 0x2000, 0x1000), 0);
    CHECK_EQ(map.count, 2);
    CHECK_EQ(memmap_add(&map, 0x2800, 0x3000), 0);
    CHECK_EQ(map.count, 1);
    CHECK_EQ(memmap_total(&map), 0x5000);
    CHECK_EQ(memmap_top(&map), 0x6000);
}

TEST(usable_shrinks_reserved_grows)
{
    memmap_init(&map);
    CHECK_EQ(memmap_add(&map, 0x1001, 0x3fff), 0);
    CHECK_EQ(map.ranges[0].base, 0x2000);
    CHECK_EQ(map.ranges[0].end, 0x5000);
    CHECK_EQ(memmap_remove(&map, 0x3fff, 2), 0);
    CHECK_EQ(map.count, 1);
    CHECK_EQ(memmap_total(&map), 0x1000);
    CHECK_EQ(memmap_add(&map, 0x10010, 0xff0), 0);
    CHECK_EQ(memmap_total(&map), 0x1000);
}

TEST(reserved_wins_in_any_order)
{
    memset(&info, 0, sizeof(info));
    region(0x200000, 0x1000, BOOT_REGION_ACPI);
    region(0, 0x400000, BOOT_REGION_USABLE);
    region(0x300000, 0x200000, BOOT_REGION_RESERVED);
    region(0x100000, 0x10000, BOOT_REGION_KERNEL);
    memmap_from_boot(&map, &info);
    check_sane();
    CHECK_EQ(map.count, 3);
    CHECK_EQ(map.ranges[0].base, 0x1000); /* page 0 is never used */
    CHECK_EQ(map.ranges[0].end, 0x100000);
    CHECK_EQ(map.ranges[1].base, 0x110000);
    CHECK_EQ(map.ranges[1].end, 0x200000);
    CHECK_EQ(map.ranges[2].end, 0x300000);
}

TEST(nonsense_is_cut)
{
    memset(&info, 0, sizeof(info));
    region(~0ull - 0xfff, ~0ull, BOOT_REGION_USABLE);
    region(0x100000, 0, BOOT_REGION_USABLE);
    region(0x200000, 0x1000, BOOT_REGION_USABLE);
    region(~0ull, ~0ull, BOOT_REGION_RESERVED);
    memmap_from_boot(&map, &info);
    CHECK_EQ(map.count, 1);
    memset(&info, 0, sizeof(info));
    region(0x200000, ~0ull, BOOT_REGION_USABLE);
    info.region_count = 1;
    memmap_from_boot(&map, &info);
    CHECK_EQ(memmap_top(&map), 1ull << 52);
    info.region_count = ~0u; /* more than the array holds */
    memmap_from_boot(&map, &info);
    check_sane();
}

TEST(too_many_pieces)
{
    int rc = 0;

    memmap_init(&map);
    for (u64 i = 0; rc == 0 && i < 1000; i++)
        rc = memmap_add(&map, i * 0x2000, 0x1000);
    CHECK_EQ(rc, -ENOSPC);
    CHECK_EQ(map.count, MEMMAP_RANGES_MAX);
    check_sane();
}

/* Against a bitmap of pages. */
TEST(random_maps)
{
    enum { PAGES = 256 };

    srand(9);
    for (int round = 0; round < 500; round++) {
        bool usable[PAGES] = {false};

        memset(&info, 0, sizeof(info));
        for (int i = 0; i < 40; i++)
            region((u64)(rand() % PAGES) * PAGE_SIZE + (u64)(rand() % 3),
                   (u64)(rand() % 20) * PAGE_SIZE + (u64)(rand() % 3), (u32)rand() % 3);
        for (u32 pass = 0; pass < 2; pass++) {
            for (u64 p = 1; p < PAGES; p++) {
                for (u32 i = 0; i < info.region_count; i++) {
                    u64 base = info.regions[i].base;
                    u64 end = base + info.regions[i].bytes;

                    if (pass == 0 && info.regions[i].kind == BOOT_REGION_USABLE)
                        usable[p] |= base <= p * PAGE_SIZE && end >= (p + 1) * PAGE_SIZE;
                    if (pass == 1 && info.regions[i].kind != BOOT_REGION_USABLE && base < end)
                        usable[p] &= base >= (p + 1) * PAGE_SIZE || end <= p * PAGE_SIZE;
                }
            }
        }
        memmap_from_boot(&map, &info);
        check_sane();
        for (u64 p = 1; p < PAGES; p++) {
            bool found = false;

            for (u32 i = 0; i < map.count; i++)
                found |= map.ranges[i].base <= p * PAGE_SIZE && p * PAGE_SIZE < map.ranges[i].end;
            if (usable[p] != found && found)
                CHECK(!"a reserved page is in the map");
        }
    }
}

TEST(modules_are_lent_and_never_usable)
{
    memset(&info, 0, sizeof(info));
    region(0x100000, 0x100000, BOOT_REGION_USABLE);
    region(0x110000, 0x3000, BOOT_REGION_MODULE);
    info.module_count = 3;
    info.modules[0] = (struct boot_module){"a", 0x110000, 0x1001};
    info.modules[1] = (struct boot_module){"b", 0x112000, 0x1000};
    info.modules[2] = (struct boot_module){"c", 0x400000, 1}; /* its region got lost */
    memmap_from_boot(&map, &info);
    check_sane();
    CHECK_EQ(map.lent_count, 3);
    CHECK_EQ(map.lent[0].base, 0x110000);
    CHECK_EQ(map.lent[0].end, 0x112000);
    CHECK_EQ(map.lent[1].base, 0x112000); /* touches the first and stays apart */
    CHECK_EQ(map.lent[1].end, 0x113000);
    CHECK_EQ(map.lent[2].end, 0x401000);
    CHECK_EQ(memmap_total(&map), 0x100000 - 0x3000);
    CHECK_EQ(memmap_top(&map), 0x401000);
}
