/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: vmx/ept.c mm/slat.c mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c
 * tests/fakes/libfdt.c tests/fakes/log.c
 */
/* Entries are those of the manual, bit for bit, and the walker builds working trees with them. */
#include "tests/unit/harness.h"

#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"
#include "vmx/ept.h"

#define RAM (64 * MiB)
#define RWX (SLAT_READ | SLAT_WRITE | SLAT_EXEC)

void (*pte_store_hook)(void);

static struct slat slat;

static void setup(void)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM - 0x100000}}};

    ept_allow(PAGE_2M);
    arena_init(RAM);
    CHECK_EQ(pmm_init(&map), 0);
    CHECK_EQ(slat_init(&slat, &ept_format), 0);
}

TEST(leaf_bits)
{
    CHECK_EQ(ept_format.leaf(hpa(0x123000), PAGE_SIZE, RWX, SLAT_MEM_WB), 0x123337);
    CHECK_EQ(ept_format.leaf(hpa(0x200000), PAGE_2M, RWX, SLAT_MEM_WB), 0x2003b7);
    CHECK_EQ(ept_format.leaf(hpa(0x123000), PAGE_SIZE, SLAT_READ, SLAT_MEM_WB), 0x123331);
    CHECK_EQ(ept_format.leaf(hpa(0x123000), PAGE_SIZE, SLAT_READ | SLAT_WRITE, SLAT_MEM_UC),
             0x123303);
    CHECK_EQ(ept_format.table(hpa(0x5000)), 0x5107);
}

TEST(parsing)
{
    u64 small = ept_format.leaf(hpa(0xabcdef000), PAGE_SIZE, SLAT_READ | SLAT_EXEC, SLAT_MEM_WB);
    u64 large = ept_format.leaf(hpa(0x40000000), PAGE_1G, RWX, SLAT_MEM_WB);

    CHECK(ept_format.is_present(small) && !ept_format.is_present(0));
    CHECK_EQ(ept_format.address(small).v, 0xabcdef000);
    CHECK_EQ(ept_format.access(small), SLAT_READ | SLAT_EXEC);
    CHECK_EQ(ept_format.access(large), RWX);
    CHECK(ept_format.is_leaf(small, 1));
    CHECK(ept_format.is_leaf(large, 3));
    CHECK(!ept_format.is_leaf(ept_format.table(hpa(0x1000)), 2));
}

TEST(tree)
{
    struct slat_translation t;

    setup();
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(0x1000000), PAGE_2M + PAGE_SIZE, RWX, SLAT_MEM_WB), 0);
    CHECK_EQ(slat_lookup(&slat, gpa(0x1234), &t), 0);
    CHECK_EQ(t.host.v, 0x1001234);
    CHECK_EQ(t.page_bytes, PAGE_2M);
    CHECK_EQ(slat_lookup(&slat, gpa(PAGE_2M), &t), 0);
    CHECK_EQ(t.host.v, 0x1000000 + PAGE_2M);
    CHECK_EQ(t.page_bytes, PAGE_SIZE);
    CHECK(slat_lookup(&slat, gpa(PAGE_2M + PAGE_SIZE), &t) != 0);
    CHECK_EQ(slat_unmap(&slat, gpa(0x1000), PAGE_SIZE), 0); /* splits the large page */
    CHECK(slat_lookup(&slat, gpa(0x1000), &t) != 0);
    CHECK_EQ(slat_lookup(&slat, gpa(0x2000), &t), 0);
    CHECK_EQ(t.host.v, 0x1002000);
    CHECK_EQ(t.access, RWX);
    slat_fini(&slat);
}

TEST(gigabyte_pages_only_where_the_cpu_has_them)
{
    CHECK_EQ(ept_format.page_sizes, PAGE_SIZE | PAGE_2M);
    ept_allow(PAGE_1G);
    CHECK_EQ(ept_format.page_sizes, PAGE_SIZE | PAGE_2M | PAGE_1G);
}

TEST(pointer)
{
    CHECK_EQ(ept_pointer(hpa(0x14000), false), 0x1401e);
    CHECK_EQ(ept_pointer(hpa(0x14000), true), 0x1405e);
}
