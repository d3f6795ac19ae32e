/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mm/kheap.c mm/pmm*.c mm/memmap.c tests/fakes/arena.c tests/fakes/assert.c
 * tests/fakes/log.c
 */
/* The heap's blocks are aligned and disjoint, and freeing everything gives every page back. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "mm/kheap.h"
#include "mm/layout.h"
#include "mm/pmm.h"

#define RAM (32 * MiB)

static void setup(void)
{
    static bool is_done;
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};

    if (is_done)
        return; /* the heap has no second beginning */
    is_done = true;
    arena_init(RAM);
    memset(arena_base, 0xa5, RAM);
    CHECK_EQ(pmm_init(&map), 0);
}

TEST(alignment)
{
    setup();
    for (size_t bytes = 0; bytes < 20000; bytes += 97) {
        void *p = kmalloc(bytes);

        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p % 16, 0);
        if (bytes >= PAGE_SIZE)
            CHECK_EQ((uintptr_t)p % PAGE_SIZE, 0);
        memset(p, 1, bytes);
        kfree(p);
    }
    kfree(NULL);
}

TEST(too_much_is_null)
{
    setup();
    CHECK(kmalloc(RAM) == NULL);
    CHECK(kmalloc(SIZE_MAX) == NULL);
}

TEST(random_use_restores_everything)
{
    enum { LIVE = 500 };
    static struct {
        u8 *p;
        size_t bytes;
    } live[LIVE];
    struct pmm_stats before;
    struct pmm_stats after;
    struct kheap_stats heap;

    setup();
    pmm_get_stats(&before);
    srand(3);
    for (int i = 0; i < 100000; i++) {
        int n = rand() % LIVE;

        if (live[n].p) {
            CHECK(live[n].bytes == 0 ||
                  (live[n].p[0] == (u8)n && live[n].p[live[n].bytes - 1] == (u8)n));
            kfree(live[n].p);
            live[n].p = NULL;
            continue;
        }
        live[n].bytes = (size_t)(rand() % (rand() % 16 ? 2100 : 30000));
        live[n].p = kzalloc(live[n].bytes);
        for (size_t at = 0; live[n].p && at < live[n].bytes; at++)
            if (live[n].p[at])
                CHECK(!"kzalloc gave dirt");
        if (live[n].p)
            memset(live[n].p, n, live[n].bytes);
    }
    for (int n = 0; n < LIVE; n++)
        kfree(live[n].p);
    pmm_get_stats(&after);
    kheap_get_stats(&heap);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
    CHECK_EQ(heap.live_blocks, 0);
    CHECK_EQ(heap.live_bytes, 0);
}
