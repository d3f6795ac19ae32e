/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mm/gmem.c mm/gmem_fill.c mm/gmem_pin.c mm/gmem_return.c mm/kheap.c mm/memmap.c mm/pmm.c
 * mm/pmm_init.c mm/pmm_scrub.c mm/slat.c tests/fakes/arena.c tests/fakes/log.c
 */
/* Guest memory that is accessed while frames of it are given back, and used by others: nobody reads
 * or writes what another has by then, and all comes back. */
#include <string.h>

#include "core/lib/errno.h"
#include "mm/gmem.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "tests/fakes/slat_format.h"
#include "tests/race/race.h"

#define HOST_RAM  (40 * MiB)
#define GUEST_RAM (8 * MiB)
#define ROUNDS    3000u
#define USERS     2u
#define TAKERS    2u
#define THREADS   (USERS + TAKERS + 1)
#define SECRET    0x5ec2e75ec2e75ec2ull

static struct gmem gmem;
static struct slat slat;
static u32 at_work;

static gpa_t random_frame(void)
{
    return gpa(race_random() % (GUEST_RAM / GMEM_FRAME_BYTES) * GMEM_FRAME_BYTES);
}

/* Each has a word of its own in every page: it is as it was left, or gone. */
static void use(u32 thread)
{
    u64 mine = 0x1000000 + thread;

    for (u32 i = 0; i < ROUNDS; i++) {
        gpa_t at = gpa(random_frame().v + race_random() % 512 * PAGE_SIZE + thread * 8);
        u64 found = 0;

        CHECK_EQ(gmem_read(&gmem, at, &found, 8), 0);
        CHECK(found == 0 || found == mine);
        CHECK_EQ(gmem_write(&gmem, at, &mine, 8), 0);
    }
}

static void take(void)
{
    struct gmem_batch batch = {0};

    for (u32 i = 0; i < ROUNDS; i++) {
        (void)gmem_detach(&gmem, random_frame(), &batch);
        if (i % 4 == 0)
            gmem_release(&gmem, &batch);
    }
    gmem_release(&gmem, &batch);
}

/* What guests gave back belongs to whoever allocates it. */
static void allocate(void)
{
    while (__atomic_load_n(&at_work, __ATOMIC_ACQUIRE) > 0) {
        hpa_t block;
        volatile u64 *word;

        if (pmm_alloc(PMM_ORDER_2M, PMM_IMAGE, false, &block))
            continue;
        word = hpa_to_ptr(block);
        for (u32 i = 0; i < 512; i++) {
            CHECK((word[i * 512 + i % USERS] & 0x1000000) == 0);
            word[i * 512 + i % USERS] = SECRET & ~0x1000000ull;
        }
        for (u32 i = 0; i < 512; i++)
            CHECK_EQ(word[i * 512 + i % USERS], SECRET & ~0x1000000ull);
        pmm_free_dirty(block, PMM_ORDER_2M, PMM_IMAGE);
    }
}

static void run(u32 thread)
{
    if (thread == THREADS - 1) {
        allocate();
        return;
    }
    if (thread < USERS)
        use(thread);
    else
        take();
    __atomic_sub_fetch(&at_work, 1, __ATOMIC_RELEASE);
}

TEST(accesses_while_frames_go)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, HOST_RAM}}};
    struct pmm_stats before, after;

    arena_init(HOST_RAM);
    CHECK_EQ(pmm_init(&map), 0);
    pmm_get_stats(&before);
    CHECK_EQ(slat_init(&slat, &fake_format), 0);
    CHECK_EQ(gmem_init(&gmem, GUEST_RAM), 0);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), GUEST_RAM), 0);
    CHECK_EQ(gmem_assure(&gmem, GUEST_RAM), 0);
    at_work = THREADS - 1;
    race_run(THREADS, run);
    gmem_fini(&gmem);
    slat_fini(&slat);
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}
