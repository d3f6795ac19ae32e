/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mm/slat.c mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c
 * tests/fakes/log.c
 */
/* The tree translates as asked, and after every single store each address has its old or its new
 * translation. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"
#include "mm/slat.h"
#include "tests/fakes/slat_format.h"

#define RAM    (32 * MiB)
#define ACCESS (SLAT_READ | SLAT_WRITE | SLAT_EXEC)
#define PROBES 3000

void (*pte_store_hook)(void);

static struct slat slat;
static struct pmm_stats before;

static void setup(void)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};

    pte_store_hook = NULL;
    arena_init(RAM);
    CHECK_EQ(pmm_init(&map), 0);
    pmm_get_stats(&before);
    CHECK_EQ(slat_init(&slat, &fake_format), 0);
}

static void teardown(void)
{
    struct pmm_stats after;

    pte_store_hook = NULL;
    slat_fini(&slat);
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

/* Host address + 1, or 0 for "not mapped". */
static u64 look(u64 guest)
{
    struct slat_translation t;

    return slat_lookup(&slat, gpa(guest), &t) ? 0 : t.host.v + 1;
}

TEST(largest_pages)
{
    struct slat_translation t;

    setup();
    CHECK_EQ(slat_map(&slat, gpa(0x1ff000), hpa(0x401ff000), 0x1000 + GiB + PAGE_2M, ACCESS,
                      SLAT_MEM_WB),
             0);
    CHECK_EQ(slat_lookup(&slat, gpa(0x1ff123), &t), 0);
    CHECK_EQ(t.host.v, 0x401ff123);
    CHECK_EQ(t.page_bytes, PAGE_SIZE);
    CHECK_EQ(slat_lookup(&slat, gpa(0x212345), &t), 0);
    CHECK_EQ(t.host.v, 0x40212345);
    CHECK_EQ(t.page_bytes, PAGE_2M);
    CHECK_EQ(t.access, ACCESS);
    CHECK_EQ(slat_map(&slat, gpa(4 * GiB), hpa(8 * GiB), 2 * GiB, SLAT_READ, SLAT_MEM_WB), 0);
    CHECK_EQ(slat_lookup(&slat, gpa(5 * GiB + 5), &t), 0);
    CHECK_EQ(t.page_bytes, PAGE_1G);
    CHECK_EQ(t.access, SLAT_READ);
    CHECK_EQ(look(7 * GiB), 0);
    CHECK_EQ(look(0), 0);
    CHECK_EQ(look(1ull << 48), 0);
    teardown();
}

TEST(device_memory_has_small_pages)
{
    struct slat_translation t;

    setup();
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(0), PAGE_2M, SLAT_READ, SLAT_MEM_UC), 0);
    CHECK_EQ(slat_lookup(&slat, gpa(0x1000), &t), 0);
    CHECK_EQ(t.page_bytes, PAGE_SIZE);
    teardown();
}

TEST(refuses_nonsense_and_overlap)
{
    setup();
    CHECK_EQ(slat_map(&slat, gpa(1), hpa(0), PAGE_SIZE, ACCESS, SLAT_MEM_WB), -EINVAL);
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(1), PAGE_SIZE, ACCESS, SLAT_MEM_WB), -EINVAL);
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(0), 1, ACCESS, SLAT_MEM_WB), -EINVAL);
    CHECK_EQ(slat_map(&slat, gpa(1ull << 48), hpa(0), PAGE_SIZE, ACCESS, SLAT_MEM_WB), -EINVAL);
    CHECK_EQ(slat_map(&slat, gpa(~0xfffull), hpa(0), PAGE_2M, ACCESS, SLAT_MEM_WB), -EINVAL);
    CHECK_EQ(slat_map(&slat, gpa(PAGE_2M), hpa(0), PAGE_2M, ACCESS, SLAT_MEM_WB), 0);
    CHECK_EQ(slat_map(&slat, gpa(PAGE_2M), hpa(0), PAGE_SIZE, ACCESS, SLAT_MEM_WB), -EEXIST);
    CHECK_EQ(slat_map(&slat, gpa(PAGE_2M), hpa(0), PAGE_2M, ACCESS, SLAT_MEM_WB), -EEXIST);
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(0), PAGE_SIZE, ACCESS, SLAT_MEM_WB), 0);
    CHECK_EQ(slat_map(&slat, gpa(0), hpa(0), PAGE_2M, ACCESS, SLAT_MEM_WB), -EEXIST);
    CHECK_EQ(slat_unmap(&slat, gpa(1), PAGE_SIZE), -EINVAL);
    teardown();
}

TEST(reserved_range_maps_without_tables)
{
    u64 tables;

    setup();
    CHECK_EQ(slat_reserve(&slat, gpa(GiB), 8 * MiB, 1), 0);
    tables = slat.table_pages;
    CHECK_EQ(slat_map(&slat, gpa(GiB + 0x1000), hpa(0), 4 * MiB, ACCESS, SLAT_MEM_UC), 0);
    CHECK_EQ(slat_unmap(&slat, gpa(GiB + 0x1000), 4 * MiB), 0);
    CHECK_EQ(slat.table_pages, tables);
    teardown();
}

static u64 probe_at[PROBES];
static u64 probe_old[PROBES];
static u64 probe_low, probe_high; /* the range that changes */
static u64 probe_delta;           /* host - guest after it; ~0: unmapped */
static u32 stores;

/* Outside of the range nothing changes ever; inside each address is as before or as asked for. */
static void check_probes(void)
{
    stores++;
    for (u32 i = 0; i < PROBES; i++) {
        u64 now = look(probe_at[i]);
        u64 wanted = probe_delta == ~0ull ? 0 : probe_at[i] + probe_delta + 1;
        bool inside = probe_at[i] >= probe_low && probe_at[i] < probe_high;

        if (now != probe_old[i] && !(inside && now == wanted)) {
            CHECK(!"a torn state was visible");
            return;
        }
    }
}

static void watch(u64 low, u64 bytes, u64 delta)
{
    probe_low = low;
    probe_high = low + bytes;
    probe_delta = delta;
    for (u32 i = 0; i < PROBES; i++) {
        probe_at[i] = ((u64)rand() << 12) % (3 * GiB) + (u64)(rand() % 4096);
        if (i % 2)
            probe_at[i] = low - 4 * MiB + ((u64)rand() << 8) % (bytes + 8 * MiB);
        probe_old[i] = look(probe_at[i]);
    }
    pte_store_hook = check_probes;
}

TEST(no_torn_state_while_mapping_and_splitting)
{
    setup();
    watch(GiB - PAGE_2M, GiB + 2 * PAGE_2M + PAGE_SIZE, GiB);
    CHECK_EQ(slat_map(&slat, gpa(GiB - PAGE_2M), hpa(2 * GiB - PAGE_2M),
                      GiB + 2 * PAGE_2M + PAGE_SIZE, ACCESS, SLAT_MEM_WB),
             0);
    /* Cuts a hole into the 1 GiB page: splits it, then a 2 MiB page at either end. */
    watch(GiB + 0x3000, 5 * MiB, ~0ull);
    CHECK_EQ(slat_unmap(&slat, gpa(GiB + 0x3000), 5 * MiB), 0);
    pte_store_hook = NULL;
    CHECK(stores > 10);
    CHECK_EQ(look(GiB + 0x2fff), 2 * GiB + 0x3000);
    CHECK_EQ(look(GiB + 0x3000), 0);
    CHECK_EQ(look(GiB + 0x3000 + 5 * MiB), 2 * GiB + 0x3000 + 5 * MiB + 1);
    CHECK_EQ(look(2 * GiB), 3 * GiB + 1);
    CHECK_EQ(slat.generation, 1);
    teardown();
}

TEST(random_maps_agree_with_an_array)
{
    enum { PAGES = 4096 };
    static u64 model[PAGES];

    setup();
    srand(2);
    memset(model, 0, sizeof(model));
    for (int i = 0; i < 400; i++) {
        u64 first = (u64)rand() % PAGES;
        u64 count = 1 + (u64)rand() % (PAGES - first);
        bool free = true;

        for (u64 p = first; p < first + count; p++)
            free &= model[p] == 0;
        if (free && rand() % 2) {
            CHECK_EQ(slat_map(&slat, gpa(first << 12), hpa((first << 12) + GiB), count << 12,
                              ACCESS, SLAT_MEM_WB),
                     0);
            for (u64 p = first; p < first + count; p++)
                model[p] = (p << 12) + GiB + 1;
        } else {
            count = 1 + count % 600;
            count = first + count > PAGES ? PAGES - first : count;
            CHECK_EQ(slat_unmap(&slat, gpa(first << 12), count << 12), 0);
            memset(&model[first], 0, count * sizeof(u64));
        }
        for (u64 p = 0; p < PAGES; p++)
            if (look(p << 12) != model[p])
                CHECK(!"the tree differs from the model");
    }
    teardown();
}
