/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: svm/npt.c mm/slat.c mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c
 * tests/fakes/libfdt.c tests/fakes/log.c
 */
/* Entries are those of the manual, bit for bit, and the walker builds working trees with them. */
#include "tests/unit/harness.h"

#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"
#include "svm/npt.h"

#define RAM (64 * MiB)
#define RWX (SLAT_READ | SLAT_WRITE | SLAT_EXEC)

void (*pte_store_hook)(void);

static struct slat slat;

static void setup(void)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM - 0x100000}}};

    arena_init(RAM);
    CHECK_EQ(pmm_init(&map), 0);
    CHECK_EQ(slat_init(&slat, &npt_format), 0);
}

TEST(leaf_bits)
{
    CHECK_EQ(npt_format.leaf(hpa(0x123000), PAGE_SIZE, RWX, SLAT_MEM_WB), 0x123067);
    CHECK_EQ(npt_format.leaf(hpa(0x200000), PAGE_2M, RWX, SLAT_MEM_WB), 0x2000e7);
    CHECK_EQ(npt_format.leaf(hpa(0x123000), PAGE_SIZE, SLAT_READ, SLAT_MEM_WB), 0x8000000000123065);
    CHECK_EQ(npt_format.leaf(hpa(0x123000), PAGE_SIZE, SLAT_READ | SLAT_WRITE, SLAT_MEM_UC),
             0x800000000012307f);
    CHECK_EQ(npt_format.table(hpa(0x5000)), 0x5027);
}

TEST(parsing)
{
    u64 small = npt_format.leaf(hpa(0xabcdef000), PAGE_SIZE, SLAT_READ | SLAT_EXEC, SLAT_MEM_WB);
    u64 large = npt_format.leaf(hpa(0x40000000), PAGE_1G, RWX, SLAT_MEM_WB);

    CHECK(npt_format.is_present(small) && !npt_format.is_present(0));
    CHECK_EQ(npt_format.address(small).v, 0xabcdef000);
    CHECK_EQ(npt_format.access(small), SLAT_READ | SLAT_EXEC);
    CHECK_EQ(npt_format.access(large), RWX);
    CHECK(npt_format.is_leaf(small, 1));
    CHECK(npt_format.is_leaf(large, 3));
    CHECK(!npt_format.is_leaf(npt_format.table(hpa(0x1000)), 2));
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
    CHECK_EQ(npt_format.page_sizes, PAGE_SIZE | PAGE_2M);
    npt_allow_1g();
    CHECK_EQ(npt_format.page_sizes, PAGE_SIZE | PAGE_2M | PAGE_1G);
}
