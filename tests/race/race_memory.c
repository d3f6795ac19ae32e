/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mm/pmm*.c mm/memmap.c mm/kheap.c tests/fakes/arena.c tests/fakes/log.c */
/* The page allocator and the heap with the scrubber beside: nobody sees what another left, and all
 * comes back. */
#include <string.h>

#include "core/lib/errno.h"
#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "tests/race/race.h"

#define RAM     (9 * MiB) /* so little that users need what the scrubber has */
#define ROUNDS  1000u
#define HELD    12u
#define THREADS 4u
#define SECRET  0x5ec2e75ec2e75ec2ull

static u32 at_work;

struct held {
    hpa_t block;
    unsigned order;
    bool is_held;
};

static void look_at(const u64 *p, u64 bytes, bool must_be_zero)
{
    for (u64 i = 0; i < bytes / sizeof(*p); i += 64)
        if (p[i] == SECRET || (must_be_zero && p[i] != 0))
            CHECK(!"what another left");
}

static void take_or_give(struct held *h)
{
    bool zeroed = race_random() % 2;

    if (h->is_held) {
        pmm_free_dirty(h->block, h->order, PMM_GUEST);
        h->is_held = false;
        return;
    }
    h->order = race_random() % 4 ? race_random() % 4 : 9;
    if (pmm_alloc(h->order, PMM_GUEST, zeroed, &h->block))
        return;
    h->is_held = true;
    look_at(hpa_to_ptr(h->block), PAGE_SIZE << h->order, zeroed);
    for (u64 i = 0; i < (PAGE_SIZE << h->order) / 8; i += 8)
        ((u64 *)hpa_to_ptr(h->block))[i] = SECRET;
}

static void use_heap(u32 thread)
{
    size_t bytes = race_random() % 3000 + 1;
    u8 *p = kmalloc(bytes);

    if (p == NULL)
        return;
    memset(p, (int)thread, bytes);
    CHECK(p[bytes - 1] == thread && p[race_random() % bytes] == thread);
    kfree(p);
}

static void user(u32 thread)
{
    struct held held[HELD] = {0};

    for (u32 i = 0; i < ROUNDS; i++) {
        take_or_give(&held[race_random() % HELD]);
        use_heap(thread);
    }
    for (u32 i = 0; i < HELD; i++)
        if (held[i].is_held)
            take_or_give(&held[i]);
    __atomic_sub_fetch(&at_work, 1, __ATOMIC_RELEASE);
}

static void run(u32 thread)
{
    if (thread > 0)
        user(thread);
    else
        while (pmm_scrub(16 * PAGE_SIZE) || __atomic_load_n(&at_work, __ATOMIC_ACQUIRE) > 0)
            ;
}

TEST(users_and_the_scrubber)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};
    struct pmm_stats before, after;

    arena_init(RAM);
    CHECK_EQ(pmm_init(&map), 0);
    pmm_get_stats(&before);
    at_work = THREADS - 1;
    race_run(THREADS, run);
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}
