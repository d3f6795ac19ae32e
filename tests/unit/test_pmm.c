/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c tests/fakes/log.c */
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

/* -- what guests left -- */

#define SECRET 0x5ec2e75ec2e75ec2ull

static void fill(hpa_t block, u64 bytes)
{
    u64 *p = hpa_to_ptr(block);

    for (u64 i = 0; i < bytes / sizeof(*p); i++)
        p[i] = SECRET;
}

static bool has_secret(hpa_t block, u64 bytes)
{
    const u64 *p = hpa_to_ptr(block);

    for (u64 i = 0; i < bytes / sizeof(*p); i++)
        if (p[i] == SECRET)
            return true;
    return false;
}

static u64 dirty(void)
{
    struct pmm_stats s;

    pmm_get_stats(&s);
    return s.dirty_bytes;
}

static u32 told;

static void on_dirty(void)
{
    told++;
}

/* Everything there is has been a guest's; whoever takes it, however, sees nothing of that. */
TEST(nobody_sees_what_a_guest_left)
{
    hpa_t b;
    hpa_t big[16];
    u32 count = 0;

    setup();
    while (count < 16 && pmm_alloc(12, PMM_GUEST, true, &big[count]) == 0)
        fill(big[count++], 16 * MiB);
    CHECK(count >= 2);
    while (pmm_alloc(0, PMM_HYPERVISOR, false, &b) == 0)
        ;
    told = 0;
    pmm_on_dirty(on_dirty);
    for (u32 i = 0; i < count; i++)
        pmm_free_dirty(big[i], 12, PMM_GUEST);
    pmm_on_dirty(NULL);
    CHECK_EQ(told, 1);
    CHECK_EQ(dirty(), count * 16 * MiB);
    CHECK_EQ(pmm_alloc_on(PMM_NODE_ANY, 0, PMM_GUEST, PMM_WANT_CLEAN, &b), -ENOMEM);
    CHECK_EQ(pmm_alloc(3, PMM_IMAGE, false, &b), 0);
    CHECK(!has_secret(b, 8 * PAGE_SIZE));
    CHECK_EQ(pmm_alloc_below(3, PMM_DMA, 4 * GiB, &b), 0);
    CHECK(!has_secret(b, 8 * PAGE_SIZE));
    CHECK_EQ(pmm_alloc(9, PMM_GUEST, true, &b), 0);
    CHECK(is_zero(b, 2 * MiB));
    CHECK_EQ(dirty(), count * 16 * MiB - 2 * MiB - 16 * PAGE_SIZE);
}

TEST(scrubbing_makes_clean_and_whole)
{
    hpa_t big, b;
    u32 pieces = 0;

    setup();
    CHECK_EQ(pmm_alloc(12, PMM_GUEST, true, &big), 0);
    fill(big, 16 * MiB);
    pmm_free_dirty(big, 12, PMM_GUEST);
    while (pmm_scrub(256 * KiB))
        pieces++;
    CHECK_EQ(pieces, 64);
    CHECK_EQ(dirty(), 0);
    CHECK_EQ(pmm_alloc_on(0, 12, PMM_GUEST, PMM_WANT_CLEAN, &b), 0);
    CHECK_EQ(b.v, big.v);
    CHECK(is_zero(b, 16 * MiB));
}

/* The block in the scrubber's hands is to be had when nothing else is left. */
TEST(scrubbing_keeps_nothing_back)
{
    enum { BLOCKS = 4 };
    hpa_t block[BLOCKS];
    hpa_t b;
    struct pmm_stats before, after;

    setup();
    for (u32 i = 0; i < BLOCKS; i++)
        CHECK_EQ(pmm_alloc(9, PMM_GUEST, false, &block[i]), 0);
    while (pmm_alloc(0, PMM_HYPERVISOR, false, &b) == 0)
        ;
    for (u32 i = 0; i < BLOCKS; i++) {
        fill(block[i], 2 * MiB);
        pmm_free_dirty(block[i], 9, PMM_GUEST);
    }
    CHECK(pmm_scrub(64 * KiB));
    pmm_get_stats(&before);
    CHECK_EQ(before.free_bytes, BLOCKS * 2 * MiB);
    CHECK_EQ(before.dirty_bytes, BLOCKS * 2 * MiB);
    for (u32 i = 0; i < BLOCKS; i++) {
        CHECK_EQ(pmm_alloc(9, PMM_GUEST, true, &b), 0);
        CHECK(is_zero(b, 2 * MiB));
    }
    pmm_get_stats(&after);
    CHECK_EQ(after.free_bytes, 0);
    CHECK_EQ(after.dirty_bytes, 0);
    CHECK(!pmm_scrub(64 * KiB));
}

/* One stale or dirty page does not make a large clean block one that has to be zeroed again; a
 * larger one than any that is alike throughout can be had all the same. */
TEST(large_clean_blocks_stay_clean)
{
    hpa_t big, b;

    setup();
    CHECK_EQ(pmm_alloc(12, PMM_GUEST, false, &big), 0);
    while (pmm_alloc(0, PMM_HYPERVISOR, false, &b) == 0)
        ;
    pmm_free(big, 12, PMM_GUEST, true);
    CHECK_EQ(pmm_alloc(0, PMM_GUEST, false, &b), 0);
    fill(b, PAGE_SIZE);
    pmm_free_dirty(b, 0, PMM_GUEST);
    CHECK_EQ(dirty(), 2 * MiB);
    CHECK_EQ(pmm_alloc_on(0, 11, PMM_GUEST, PMM_WANT_CLEAN, &b), 0);
    pmm_free(b, 11, PMM_GUEST, true);
    CHECK_EQ(pmm_alloc_on(0, 12, PMM_GUEST, PMM_WANT_CLEAN, &b), -ENOMEM);
    CHECK_EQ(pmm_alloc(12, PMM_GUEST, true, &b), 0);
    CHECK_EQ(b.v, big.v);
    CHECK(is_zero(b, 16 * MiB));
    CHECK_EQ(dirty(), 0);
}

/* Random use by guests and by others, with the scrubber in between. */
TEST(random_use_with_scrubbing)
{
    enum { LIVE = 100 };
    static struct {
        hpa_t block;
        unsigned order;
        bool is_live;
    } live[LIVE];
    struct pmm_stats before, after;

    setup();
    memset(live, 0, sizeof(live));
    pmm_get_stats(&before);
    srand(11);
    for (int i = 0; i < 20000; i++) {
        int n = rand() % LIVE;
        u64 bytes = PAGE_SIZE << live[n].order;

        if (rand() % 4 == 0)
            (void)pmm_scrub((u64)(rand() % 16 + 1) * PAGE_SIZE);
        if (live[n].is_live) {
            if (rand() % 4)
                pmm_free_dirty(live[n].block, live[n].order, PMM_GUEST);
            else
                pmm_free(live[n].block, live[n].order, PMM_GUEST, true);
            live[n].is_live = false;
            continue;
        }
        live[n].order = rand() % 16 ? (unsigned)rand() % 4 : (unsigned)rand() % 11;
        bytes = PAGE_SIZE << live[n].order;
        if (pmm_alloc(live[n].order, PMM_GUEST, i % 2, &live[n].block))
            continue;
        live[n].is_live = true;
        CHECK(!has_secret(live[n].block, bytes));
        CHECK(i % 2 == 0 || is_zero(live[n].block, bytes));
        fill(live[n].block, bytes);
    }
    for (int n = 0; n < LIVE; n++)
        if (live[n].is_live)
            pmm_free_dirty(live[n].block, live[n].order, PMM_GUEST);
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

/* -- nodes -- */

/* Node 1 has the upper half but for a hole in the middle of a block, which is node 0's. */
TEST(nodes_are_kept_apart)
{
    static const struct pmm_node_range ranges[] = {
        {0, RAM / 2, 0}, {RAM / 2, RAM * 3 / 4, 1}, {RAM * 3 / 4 + 0x3000, RAM, 1}};
    struct pmm_node_stats s0, s1;
    struct pmm_stats all;
    hpa_t b;

    pmm_set_nodes(ranges, 3);
    setup();
    CHECK_EQ(pmm_node_count(), 2);
    pmm_get_stats(&all);
    pmm_get_node_stats(0, &s0);
    pmm_get_node_stats(1, &s1);
    CHECK_EQ(s0.total_bytes + s1.total_bytes, all.total_bytes);
    CHECK_EQ(s0.free_bytes + s1.free_bytes, all.free_bytes);
    CHECK_EQ(s1.total_bytes, RAM / 2 - 0x3000 - 0x5000);
    while (pmm_alloc_on(1, 3, PMM_GUEST, PMM_WANT_ZEROED, &b) == 0)
        CHECK(b.v >= RAM / 2 && (b.v + 0x8000 <= RAM * 3 / 4 || b.v >= RAM * 3 / 4 + 0x3000));
    CHECK_EQ(pmm_freest_node(), 0);
    while (pmm_alloc_on(0, 0, PMM_GUEST, PMM_WANT_ANY, &b) == 0)
        pmm_free_dirty(b, 0, PMM_GUEST),
            CHECK_EQ(pmm_alloc_on(0, 0, PMM_GUEST, PMM_WANT_ANY, &b), 0);
    pmm_get_node_stats(0, &s0);
    CHECK_EQ(s0.free_bytes, 0);
    CHECK_EQ(pmm_freest_node(), 1);
    CHECK_EQ(pmm_alloc(0, PMM_GUEST, false, &b), 0); /* any node will do */
    CHECK(b.v >= RAM / 2);
    pmm_set_nodes(NULL, 0);
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
