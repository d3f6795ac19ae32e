/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mm/pmm.c mm/memmap.c tests/fakes/a[rs]*.c tests/fakes/log.c */
/* The page allocator gives aligned, disjoint blocks, keeps "clean" true, and gets everything back.
 */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define RAM (64 * MiB)

/* Two ranges with a hole and ragged ends; every byte dirty. */
static void setup(void)
{
    struct memmap map = {.count = 2, .ranges = {{0x3000, 0x9f000}, {0x100000, RAM - 0x5000}}};

    arena_init(RAM);
    memset(arena_base, 0xa5, RAM);
    CHECK_EQ(pmm_init(&map), 0);
}

static bool is_zero(hpa_t block, u64 bytes)
{
    const u8 *p = hpa_to_ptr(block);

    for (u64 i = 0; i < bytes; i++)
        if (p[i])
            return false;
    return true;
}

TEST(init_accounts_everything_but_its_metadata)
{
    struct pmm_stats s;

    setup();
    pmm_get_stats(&s);
    CHECK_EQ(s.total_bytes, 0x9c000 + RAM - 0x5000 - 0x100000 - 4 * PAGE_SIZE);
    CHECK_EQ(s.free_bytes, s.total_bytes);
}

TEST(init_fails_without_room_for_metadata)
{
    struct memmap map = {.count = 1, .ranges = {{0x1000, 0x9f000}}};

    arena_init(RAM);
    CHECK_EQ(pmm_init(&map), -ENOMEM);
}

TEST(blocks_are_aligned_and_sized)
{
    hpa_t b;

    setup();
    for (unsigned order = 0; order <= 12; order++) {
        CHECK_EQ(pmm_alloc(order, PMM_GUEST, false, &b), 0);
        CHECK_EQ(b.v & ((PAGE_SIZE << order) - 1), 0);
        CHECK_EQ(pmm_order_of(b), order);
        pmm_free(b, order, PMM_GUEST, false);
    }
    CHECK_EQ(pmm_alloc(PMM_ORDER_1G, PMM_GUEST, false, &b), -ENOMEM);
    CHECK_EQ(pmm_alloc(PMM_ORDER_MAX + 1, PMM_GUEST, false, &b), -ENOMEM);
}

TEST(zeroed_blocks_are_zero_whatever_their_history)
{
    hpa_t b[64];

    setup();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 64; i++) {
            CHECK_EQ(pmm_alloc((unsigned)i % 6, PMM_GUEST, true, &b[i]), 0);
            CHECK(is_zero(b[i], PAGE_SIZE << (i % 6)));
            memset(hpa_to_ptr(b[i]), 0x5a, PAGE_SIZE << (i % 6));
        }
        for (int i = 0; i < 64; i++)
            pmm_free(b[i], (unsigned)i % 6, PMM_GUEST, i % 2 == round % 2);
    }
}

TEST(scrubbed_block_stays_clean_when_split)
{
    hpa_t big;
    hpa_t small;

    setup();
    CHECK_EQ(pmm_alloc(PMM_ORDER_2M, PMM_GUEST, false, &big), 0);
    pmm_free(big, PMM_ORDER_2M, PMM_GUEST, true);
    for (int i = 0; i < 512; i++) {
        CHECK_EQ(pmm_alloc(0, PMM_GUEST, true, &small), 0);
        CHECK(is_zero(small, PAGE_SIZE));
    }
}

TEST(below_a_limit)
{
    hpa_t b;
    int got = 0;

    setup();
    while (pmm_alloc_below(0, PMM_HYPERVISOR, MiB, &b) == 0) {
        CHECK(b.v + PAGE_SIZE <= MiB);
        got++;
    }
    CHECK_EQ(got, 0x9c);
    CHECK_EQ(pmm_alloc_below(4, PMM_DMA, 4 * GiB, &b), 0);
}

/* Random allocation and release; no two live blocks overlap, and in the end the counters are as
 * before. */
TEST(random_use_restores_everything)
{
    enum { LIVE = 200 };
    static struct {
        hpa_t block;
        unsigned order;
        enum pmm_use use;
        bool is_live;
    } live[LIVE];
    struct pmm_stats before;
    struct pmm_stats after;
    hpa_t b;

    setup();
    memset(live, 0, sizeof(live));
    pmm_get_stats(&before);
    srand(7);
    for (int i = 0; i < 20000; i++) {
        int n = rand() % LIVE;

        if (live[n].is_live) {
            u64 *p = hpa_to_ptr(live[n].block);

            CHECK_EQ(*p, (u64)n);
            pmm_free(live[n].block, live[n].order, live[n].use, rand() % 64 == 0);
            live[n].is_live = false;
            continue;
        }
        live[n].order = (unsigned)rand() % 8;
        live[n].use = (enum pmm_use)(rand() % PMM_USE_COUNT);
        if (pmm_alloc(live[n].order, live[n].use, rand() % 64 == 0, &live[n].block))
            continue;
        live[n].is_live = true;
        memset(hpa_to_ptr(live[n].block), 0xff, 64);
        *(u64 *)hpa_to_ptr(live[n].block) = (u64)n;
    }
    for (int n = 0; n < LIVE; n++)
        if (live[n].is_live)
            pmm_free(live[n].block, live[n].order, live[n].use, false);
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    CHECK_EQ(pmm_alloc(12, PMM_GUEST, false, &b), 0); /* all merged again */
}

TEST(order_for_bytes)
{
    CHECK_EQ(pmm_order_for(1), 0);
    CHECK_EQ(pmm_order_for(4096), 0);
    CHECK_EQ(pmm_order_for(4097), 1);
    CHECK_EQ(pmm_order_for(GiB), PMM_ORDER_1G);
    CHECK(pmm_order_for(GiB + 1) > PMM_ORDER_MAX);
}

/* Lent pages lie above all others and next to a hole; given back, they join what is around them. */
TEST(lent_ranges_begin_allocated)
{
    struct memmap map = {.count = 1,
                         .ranges = {{0x100000, RAM / 2}},
                         .lent_count = 2,
                         .lent = {{RAM / 2, RAM / 2 + 3 * PAGE_SIZE},
                                  {RAM / 2 + 3 * PAGE_SIZE, RAM / 2 + 8 * PAGE_SIZE}}};
    struct pmm_stats s;
    hpa_t b;

    arena_init(RAM);
    memset(arena_base, 0xa5, RAM);
    CHECK_EQ(pmm_init(&map), 0);
    pmm_get_stats(&s);
    CHECK_EQ(s.used_bytes[PMM_IMAGE], 8 * PAGE_SIZE);
    CHECK_EQ(s.total_bytes, s.free_bytes + 8 * PAGE_SIZE);
    while (pmm_alloc(0, PMM_GUEST, false, &b) == 0)
        CHECK(b.v < RAM / 2);
    for (u32 i = 0; i < 2; i++) {
        u64 at = map.lent[i].base;

        while (at < map.lent[i].end) {
            unsigned order = pmm_order_of(hpa(at));

            pmm_free(hpa(at), order, PMM_IMAGE, true);
            at += PAGE_SIZE << order;
        }
        CHECK_EQ(at, map.lent[i].end);
    }
    CHECK_EQ(pmm_alloc(3, PMM_GUEST, false, &b), 0); /* the eight pages are one block now */
    CHECK_EQ(b.v, RAM / 2);
    pmm_get_stats(&s);
    CHECK_EQ(s.free_bytes, 0);
    CHECK_EQ(s.used_bytes[PMM_IMAGE], 0);
}
