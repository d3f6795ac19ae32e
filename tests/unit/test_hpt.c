/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mm/hpt.c mm/slat.c mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c
 * tests/fakes/log.c
 */
/* The host's tables: W^X everywhere, every kind of region as it must be, stacks without traces. */
#include "tests/unit/harness.h"

#include <string.h>

#include "boot/boot_info.h"
#include "core/lib/compiler.h"
#include "core/lib/errno.h"
#include "mm/hpt.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"

#define RAM    (64 * MiB)
#define KERNEL 0x400000
#define P      BIT(0)
#define RW     BIT(1)
#define NX     BIT(63)

void (*pte_store_hook)(void);

static struct boot_info info;
static hpa_t root;
static u32 shootdowns;

static void shootdown(void)
{
    shootdowns++;
}

static void region(u64 base, u64 bytes, u32 kind)
{
    info.regions[info.region_count++] = (struct boot_region){base, bytes, kind, 0};
}

static void setup(void)
{
    static bool is_done;
    struct memmap map;

    if (is_done)
        return;
    is_done = true;
    arena_init(RAM);
    region(0, RAM, BOOT_REGION_USABLE);
    region(0x100000, 0x2000, BOOT_REGION_LOADER);
    region(0x200000, 0x3000, BOOT_REGION_ACPI);
    region(0x300000, 0x2000, BOOT_REGION_RUNTIME_CODE);
    region(0x302000, 0x2000, BOOT_REGION_RUNTIME_DATA);
    region(KERNEL, 0x9000, BOOT_REGION_KERNEL);
    region(0xa0000, 0x60000, BOOT_REGION_RESERVED);
    info.kernel_base = KERNEL;
    memmap_from_boot(&map, &info);
    CHECK_EQ(pmm_init(&map), 0);
    CHECK_EQ(hpt_init(&info), 0);
    hpt_set_shootdown(shootdown);
    root = hpt_root();
}

/* The leaf entry for an address, 0 if there is none; *offset: bytes into the page. */
static u64 leaf(hpa_t table, u64 va, u64 *offset)
{
    for (unsigned shift = 39;; shift -= 9) {
        u64 e = ((u64 *)hpa_to_ptr(table))[va >> shift & 511];

        if (!(e & P))
            return 0;
        if (shift == 12 || (e & BIT(7))) {
            *offset = va & (BIT(shift) - 1);
            return e;
        }
        table = hpa(e & 0x000ffffffffff000ull);
    }
}

static void check_page(hpa_t table, u64 va, u64 host, u64 flags)
{
    u64 offset = 0;
    u64 e = leaf(table, va, &offset);

    CHECK_EQ(e & (P | RW | NX), flags);
    if (flags)
        CHECK_EQ((e & 0x000ffffffffff000ull & ~(offset & ~0xfffull)) + (offset & ~0xfffull), host);
}

TEST(kernel_is_w_xor_x)
{
    setup();
    check_page(root, KERNEL_BASE, KERNEL, P);
    check_page(root, KERNEL_BASE + 0x2000, KERNEL + 0x2000, P);
    check_page(root, KERNEL_BASE + 0x3000, KERNEL + 0x3000, P | NX);
    check_page(root, KERNEL_BASE + 0x4000, KERNEL + 0x4000, P | RW | NX);
    check_page(root, KERNEL_BASE + 0x8000, KERNEL + 0x8000, P | RW | NX);
    check_page(root, KERNEL_BASE + 0x9000, 0, 0);
}

TEST(direct_map_by_kind)
{
    setup();
    check_page(root, DIRECT_MAP_BASE + 0x1000000, 0x1000000, P | RW | NX);
    check_page(root, DIRECT_MAP_BASE + 0x101000, 0x101000, P | RW | NX);
    check_page(root, DIRECT_MAP_BASE + 0x202000, 0x202000, P | NX);
    check_page(root, DIRECT_MAP_BASE + KERNEL, KERNEL, P | NX);
    check_page(root, DIRECT_MAP_BASE + 0x300000, 0, 0);
    check_page(root, DIRECT_MAP_BASE + 0x302000, 0x302000, P | NX);
    check_page(root, DIRECT_MAP_BASE + 0xa0000, 0, 0);
    check_page(root, DIRECT_MAP_BASE + RAM, 0, 0);
    check_page(root, 0x1000, 0, 0);
}

static u32 count_wx(hpa_t table, unsigned level)
{
    u64 *entries = hpa_to_ptr(table);
    u32 found = 0;

    for (u32 i = 0; i < 512; i++) {
        u64 e = entries[i];

        if (!(e & P))
            continue;
        if (level == 1 || (e & BIT(7)))
            found += (e & RW) && !(e & NX);
        else
            found += count_wx(hpa(e & 0x000ffffffffff000ull), level - 1);
    }
    return found;
}

TEST(nothing_is_writable_and_executable_but_firmware_code)
{
    hpa_t firmware;
    u64 *upper;

    setup();
    CHECK_EQ(count_wx(root, 4), 0);
    CHECK_EQ(hpt_build_firmware_root(&info, &firmware), 0);
    CHECK_EQ(count_wx(firmware, 4), 2);
    check_page(firmware, 0x301000, 0x301000, P | RW);
    check_page(firmware, 0x302000, 0x302000, P | RW | NX);
    check_page(firmware, 0x1000, 0, 0);
    upper = (u64 *)hpa_to_ptr(firmware) + 256;
    CHECK(memcmp(upper, (u64 *)hpa_to_ptr(root) + 256, 2048) == 0);
    CHECK(upper[384 - 256] && upper[385 - 256] && upper[511 - 256]);
}

TEST(no_runtime_regions)
{
    static struct boot_info none;
    hpa_t firmware;

    setup();
    CHECK_EQ(hpt_build_firmware_root(&none, &firmware), -ENODEV);
}

TEST(devices)
{
    volatile u8 *a;
    volatile u8 *b;
    u64 offset;
    u64 e;

    setup();
    a = hpt_map_device(hpa(0xfee00000), 0x1000, HPT_UC);
    b = hpt_map_device(hpa(0xfebc0010), 0x20000, HPT_UC);
    CHECK(a && b && a != b);
    CHECK(hpt_map_device(hpa(0xfee00000), 0x1000, HPT_UC) == a);
    CHECK(hpt_map_device(hpa(0xfebc0010), 0x20000, HPT_UC) == b);
    CHECK_EQ((u64)b & 0xfff, 0x10);
    check_page(root, (u64)a, 0xfee00000, P | RW | NX);
    check_page(root, (u64)b + 0x20000, 0xfebe0000, P | RW | NX);
    CHECK_EQ(leaf(root, (u64)a, &offset) & 0x18, 0x18);
    a = hpt_map_device(hpa(0x80100000), 16 * MiB, HPT_WC);
    e = leaf(root, (u64)a + PAGE_2M, &offset);
    CHECK_EQ(e & 0x18, 0x08);
    CHECK(e & BIT(7)); /* large pages */
    CHECK(hpt_map_device(hpa(0), DEVICE_WINDOW_BYTES + 1, HPT_UC) == NULL);
}

TEST(stacks)
{
    void *s[300];
    struct pmm_stats before;
    struct pmm_stats after;
    u64 offset;

    setup();
    pmm_get_stats(&before);
    for (int i = 0; i < 300; i++) {
        s[i] = kstack_alloc();
        CHECK(s[i] != NULL);
        CHECK(leaf(root, (u64)s[i], &offset) & RW);
        CHECK(leaf(root, (u64)s[i] + KSTACK_BYTES - 1, &offset) & NX);
        CHECK_EQ(leaf(root, (u64)s[i] - 1, &offset), 0);
        CHECK(kstack_is_guard((u64)s[i] - 1));
        CHECK(kstack_is_guard((u64)s[i] - PAGE_SIZE));
        CHECK(!kstack_is_guard((u64)s[i]));
        CHECK(!kstack_is_guard((u64)s[i] + KSTACK_BYTES - 1));
    }
    CHECK(!kstack_is_guard(0) && !kstack_is_guard(DIRECT_MAP_BASE));
    shootdowns = 0;
    for (int i = 0; i < 300; i++) {
        kstack_free(s[i]);
        CHECK_EQ(leaf(root, (u64)s[i], &offset), 0);
    }
    CHECK_EQ(shootdowns, 300);
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    CHECK(kstack_alloc() == s[0]);
}
