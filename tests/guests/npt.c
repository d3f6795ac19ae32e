/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: is memory what the memory map says: RAM holds values, holes read all ones, nothing
 * aliases? Manual: APM vol. 2 "Nested Paging". A failure means guests corrupt memory or reach the
 * host's.
 */
#include "tests/guests/lib/guest.h"

struct hvm_start_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist, cmdline, rsdp, memmap;
    u32 memmap_entries, reserved;
};

struct memmap_entry {
    u64 addr, size;
    u32 type, reserved;
};

extern u64 start_info;
extern u8 guest_end[];

#define IDENTITY_END 0x100000000ull

static void read_byte(void *arg)
{
    (void)*(volatile u8 *)arg;
}

static u64 tag(u64 addr)
{
    return addr * 0x9e3779b97f4a7c15ull + 1;
}

static bool usable(const struct memmap_entry *e, u64 addr)
{
    return e->type == 1 && addr >= e->addr && addr + 8 <= e->addr + e->size &&
           addr >= (u64)guest_end && addr + 8 <= IDENTITY_END;
}

void guest_main(void)
{
    const struct hvm_start_info *info = (const void *)start_info;
    const struct memmap_entry *map = (const void *)info->memmap;
    u64 top = 0, pages = 0;

    EXPECT_EQ(info->magic, 0x336ec578);
    EXPECT(info->memmap_entries > 0 && info->memmap_entries < 64);
    EXPECT(info->rsdp != 0);

    /* A different value in every 64 KiB of RAM, then all checked: aliases would show. */
    for (u32 i = 0; i < info->memmap_entries; i++) {
        for (u64 a = (map[i].addr + 0xffff) & ~0xffffull; a < map[i].addr + map[i].size;
             a += 0x10000) {
            if (usable(&map[i], a)) {
                if (*(volatile u64 *)a != 0)
                    failure("RAM at 0x%lx was not zero at start", a);
                *(volatile u64 *)a = tag(a);
                pages++;
            }
        }
        if (map[i].type == 1 && map[i].addr + map[i].size > top)
            top = map[i].addr + map[i].size;
    }
    EXPECT(pages > 16);
    for (u32 i = 0; i < info->memmap_entries; i++) {
        for (u64 a = (map[i].addr + 0xffff) & ~0xffffull; a < map[i].addr + map[i].size;
             a += 0x10000) {
            if (usable(&map[i], a))
                EXPECT_EQ(*(volatile u64 *)a, tag(a));
        }
    }

    /* Above RAM there is nothing: reads give ones, writes vanish. */
    if (top < 0xc0000000) {
        EXPECT_EQ(*(volatile u32 *)top, 0xffffffff);
        *(volatile u32 *)top = 0x12345678;
        EXPECT_EQ(*(volatile u32 *)top, 0xffffffff);
        EXPECT_EQ(*(volatile u64 *)(top + 8), ~0ull);
        EXPECT_EQ(*(volatile u16 *)(top + 3), 0xffff);
    }
    EXPECT_EQ(*(volatile u32 *)0xd0000000ull, 0xffffffff);
    EXPECT_EQ(catch_trap(read_byte, (void *)0x200000000ull),
              14); /* the guest's own tables end here */
}
