/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: mm/gmem*.c mm/slat.c mm/kheap.c mm/memmap.c mm/pmm.c mm/pmm_init.c mm/pmm_scrub.c
 * tests/fakes/arena.c tests/fakes/assert.c tests/fakes/log.c
 */
/* Guest memory is zeroed, mapped where it says, copied across slots, and given back scrubbed. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/lib/errno.h"
#include "mm/gmem.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "mm/pte_store.h"
#include "tests/fakes/slat_format.h"

#define RAM (64 * MiB)

void (*pte_store_hook)(void);

static struct slat slat;
static struct gmem gmem;
static struct gmem_stats stats;
static struct pmm_stats before;

static void setup(void)
{
    static bool is_done;
    struct memmap map = {.count = 1, .ranges = {{0x100000, RAM}}};

    if (!is_done) {
        arena_init(RAM);
        memset(arena_base, 0xa5, RAM);
        CHECK_EQ(pmm_init(&map), 0);
        is_done = true;
    }
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&before);
    CHECK_EQ(slat_init(&slat, &fake_format), 0);
    CHECK_EQ(gmem_init(&gmem, 48 * MiB), 0);
}

static void teardown(void)
{
    struct pmm_stats after;

    gmem_fini(&gmem);
    slat_fini(&slat);
    while (pmm_scrub(MiB))
        ;
    pmm_get_stats(&after);
    CHECK(memcmp(&before, &after, sizeof(before)) == 0);
}

TEST(populated_memory_is_zero_and_mapped)
{
    static u8 buf[4 * MiB];
    struct slat_translation t;

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 20 * MiB), 0);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(4 * GiB), 6 * MiB), 0);
    gmem_get_stats(&gmem, &stats);
    CHECK_EQ(stats.total_bytes, 26 * MiB);
    CHECK_EQ(stats.resident_bytes, 26 * MiB);
    CHECK_EQ(gmem_read(&gmem, gpa(16 * MiB), buf, sizeof(buf)), 0);
    for (size_t i = 0; i < sizeof(buf); i++)
        if (buf[i])
            CHECK(!"dirty guest memory");
    CHECK_EQ(gmem_write(&gmem, gpa(4 * GiB + 123456), "hello", 6), 0);
    CHECK_EQ(slat_lookup(&slat, gpa(4 * GiB + 123456), &t), 0);
    CHECK_STR(hpa_to_ptr(t.host), "hello");
    CHECK_EQ(t.access, SLAT_READ | SLAT_WRITE | SLAT_EXEC);
    teardown();
}

TEST(ranges_and_holes)
{
    u8 b[16];

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(2 * MiB), 6 * MiB), 0);
    CHECK(!gmem_is_ram(&gmem, gpa(2 * MiB - 1), 1));
    CHECK(gmem_is_ram(&gmem, gpa(2 * MiB), 6 * MiB));
    CHECK(!gmem_is_ram(&gmem, gpa(2 * MiB), 6 * MiB + 1));
    CHECK(!gmem_is_ram(&gmem, gpa(~0ull), 1));
    CHECK(!gmem_is_ram(&gmem, gpa(4 * MiB), ~0ull));
    CHECK_EQ(gmem_read(&gmem, gpa(8 * MiB - 8), b, 16), -EFAULT);
    CHECK_EQ(gmem_write(&gmem, gpa(8 * MiB - 8), b, 16), -EFAULT);
    CHECK_EQ(gmem_zero(&gmem, gpa(0), 16), -EFAULT);
    CHECK_EQ(gmem_read(&gmem, gpa(8 * MiB - 16), b, 16), 0);
    teardown();
}

TEST(words_that_are_looked_at_meanwhile)
{
    u8 old = 0, b[4];

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(2 * MiB), 2 * MiB), 0);
    CHECK_EQ(gmem_store_u32(&gmem, gpa(4 * MiB - 4), 0x11223344), 0);
    CHECK_EQ(gmem_read(&gmem, gpa(4 * MiB - 4), b, 4), 0);
    CHECK(b[0] == 0x44 && b[3] == 0x11);
    CHECK_EQ(gmem_exchange_u8(&gmem, gpa(4 * MiB - 1), 0xaa, &old), 0);
    CHECK_EQ(old, 0x11);
    CHECK_EQ(gmem_exchange_u8(&gmem, gpa(4 * MiB - 1), 0, &old), 0);
    CHECK_EQ(old, 0xaa);
    CHECK_EQ(gmem_store_u32(&gmem, gpa(2 * MiB + 2), 0), -EINVAL);
    CHECK_EQ(gmem_store_u32(&gmem, gpa(2 * MiB - 4), 0), -EFAULT);
    CHECK_EQ(gmem_store_u32(&gmem, gpa(4 * MiB), 0), -EFAULT);
    CHECK_EQ(gmem_store_u32(&gmem, gpa(~3ull), 0), -EFAULT);
    CHECK_EQ(gmem_exchange_u8(&gmem, gpa(4 * MiB), 0, &old), -EFAULT);
    CHECK_EQ(gmem_exchange_u8(&gmem, gpa(~0ull), 0, &old), -EFAULT);
    teardown();
}

TEST(refuses_overlap_and_too_much)
{
    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(4 * MiB), 4 * MiB), 0);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 6 * MiB), -EEXIST);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(6 * MiB), 2 * MiB), -EEXIST);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(1), 2 * MiB), -EINVAL);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(16 * MiB), 64 * MiB), -EINVAL);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 4 * MiB), 0);
    teardown();
}

/* With memory in crumbs there are many slots, and copies cross them. */
TEST(fragmented_host)
{
    enum { HELD = 512 };
    static hpa_t held[2 * HELD];
    static u8 in[3 * MiB];
    static u8 out[3 * MiB];
    u32 count = 0;
    hpa_t big[64];
    u32 bigs = 0;

    setup();
    while (count < 2 * HELD && pmm_alloc(2, PMM_IMAGE, false, &held[count]) == 0)
        count++;
    while (bigs < 64 && pmm_alloc(8, PMM_IMAGE, false, &big[bigs]) == 0)
        bigs++;
    for (u32 i = 0; i < count; i += 2)
        pmm_free(held[i], 2, PMM_IMAGE, false);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 4 * MiB), 0);
    gmem_get_stats(&gmem, &stats);
    CHECK_EQ(stats.resident_bytes, 4 * MiB);
    CHECK_EQ(stats.large_bytes, 0);
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (u8)(i * 31 >> 3);
    CHECK_EQ(gmem_write(&gmem, gpa(0), in, sizeof(in)), 0);
    CHECK_EQ(gmem_read(&gmem, gpa(0), out, sizeof(out)), 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(8 * MiB), 32 * MiB), -ENOMEM);
    CHECK_EQ(gmem_zero(&gmem, gpa(1000), 100000), 0);
    CHECK_EQ(gmem_read(&gmem, gpa(0), out, sizeof(out)), 0);
    CHECK(out[999] == in[999] && out[1000] == 0 && out[100999] == 0 && out[101000] == in[101000]);
    gmem_fini(&gmem);
    CHECK_EQ(gmem_init(&gmem, MiB), 0);
    for (u32 i = 1; i < count; i += 2)
        pmm_free(held[i], 2, PMM_IMAGE, false);
    for (u32 i = 0; i < bigs; i++)
        pmm_free(big[i], 8, PMM_IMAGE, false);
    teardown();
}

static u64 resident(void)
{
    gmem_get_stats(&gmem, &stats);
    return stats.resident_bytes;
}

static u64 promised(void)
{
    struct pmm_stats now;

    pmm_get_stats(&now);
    return now.promised_bytes;
}

/* What is given back is free at once, gone for the guest, and zero when it comes again. */
TEST(frames_go_and_come_back)
{
    struct gmem_batch batch = {0};
    struct slat_translation t;
    struct pmm_stats full, now;
    u8 b[8] = "content";

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 16 * MiB), 0);
    CHECK_EQ(gmem_write(&gmem, gpa(6 * MiB + 5), b, 8), 0);
    CHECK_EQ(gmem_write(&gmem, gpa(8 * MiB), b, 8), 0);
    pmm_get_stats(&full);
    CHECK(gmem_detach(&gmem, gpa(6 * MiB + 12345), &batch));
    CHECK(!gmem_detach(&gmem, gpa(6 * MiB), &batch)); /* it is gone already */
    CHECK(!gmem_detach(&gmem, gpa(16 * MiB), &batch));
    CHECK(!gmem_detach(&gmem, gpa(~0ull), &batch));
    CHECK(gmem_detach(&gmem, gpa(0), &batch));
    CHECK_EQ(batch.count, 2);
    CHECK_EQ(resident(), 12 * MiB);
    CHECK_EQ(stats.large_bytes, 12 * MiB);
    CHECK_EQ(slat_lookup(&slat, gpa(6 * MiB), &t), -EFAULT);
    gmem_release(&gmem, &batch);
    CHECK_EQ(batch.count, 0);
    gmem_release(&gmem, &batch);
    pmm_get_stats(&now);
    CHECK(now.used_bytes[PMM_GUEST] - full.used_bytes[PMM_GUEST] + 4 * MiB <= 2 * PAGE_SIZE);
    CHECK(gmem_is_ram(&gmem, gpa(0), 16 * MiB) && gmem_is_ram(&gmem, gpa(6 * MiB), 1));

    CHECK_EQ(gmem_read(&gmem, gpa(6 * MiB + 5), b, 8), 0);
    for (u32 i = 0; i < 8; i++)
        CHECK_EQ(b[i], 0);
    CHECK_EQ(gmem_read(&gmem, gpa(8 * MiB), b, 8), 0);
    CHECK_STR((char *)b, "content");
    CHECK_EQ(resident(), 14 * MiB);
    CHECK_EQ(slat_lookup(&slat, gpa(6 * MiB), &t), 0);
    CHECK_EQ(t.page_bytes, 2 * MiB);
    CHECK_EQ(gmem_fill(&gmem, gpa(MiB)), 0);
    CHECK_EQ(gmem_fill(&gmem, gpa(MiB)), -EEXIST);
    CHECK_EQ(gmem_fill(&gmem, gpa(16 * MiB)), -EFAULT);
    CHECK_EQ(resident(), 16 * MiB);
    teardown();
}

/* Every frame goes and comes in turn: no byte is lost or counted twice. */
TEST(figures_stay_exact)
{
    struct gmem_batch batch = {0};

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 32 * MiB), 0);
    CHECK_EQ(gmem_assure(&gmem, 32 * MiB), 0);
    CHECK_EQ(promised(), 0);
    for (u32 i = 0; i < 1000; i++) {
        gpa_t at = gpa((u64)(i * 7 % 16) * 2 * MiB);

        if (i % 3 != 0)
            (void)gmem_detach(&gmem, at, &batch);
        else
            CHECK_EQ(gmem_zero(&gmem, at, 1), 0);
        if (i % 5 == 0)
            gmem_release(&gmem, &batch);
        CHECK_EQ(promised(), 32 * MiB - resident());
        CHECK_EQ(stats.large_bytes, stats.resident_bytes);
        if (batch.count == GMEM_BATCH_FRAMES)
            gmem_release(&gmem, &batch);
    }
    gmem_release(&gmem, &batch);
    teardown();
    CHECK_EQ(promised(), 0);
}

/* Up to its target a guest gets what it gave back; beyond, what nobody was promised. */
TEST(promises)
{
    struct gmem_batch batch = {0};
    hpa_t held[16];
    u32 count = 0;

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 16 * MiB), 0);
    CHECK_EQ(gmem_assure(&gmem, 8 * MiB), 0);
    for (u64 at = 0; at < 16 * MiB; at += 2 * MiB)
        CHECK(gmem_detach(&gmem, gpa(at), &batch));
    gmem_release(&gmem, &batch);
    CHECK_EQ(promised(), 8 * MiB);
    CHECK_EQ(gmem_assure(&gmem, 16 * MiB), 0);
    CHECK_EQ(promised(), 16 * MiB);
    CHECK_EQ(gmem_assure(&gmem, 8 * MiB), 0);
    /* Somebody takes what is available: all but what is promised and the reserve. */
    while (pmm_promise(4 * MiB)) {
        pmm_promise_change(-(s64)(4 * MiB));
        if (pmm_alloc(10, PMM_IMAGE, false, &held[count]))
            break;
        count++;
    }
    CHECK_EQ(gmem_assure(&gmem, 16 * MiB), -ENOMEM);
    CHECK_EQ(promised(), 8 * MiB);
    for (u64 at = 0; at < 8 * MiB; at += 2 * MiB)
        CHECK_EQ(gmem_fill(&gmem, gpa(at)), 0);
    CHECK_EQ(promised(), 0);
    while (pmm_promise(2 * MiB)) {
        pmm_promise_change(-(s64)(2 * MiB));
        CHECK_EQ(pmm_alloc(9, PMM_IMAGE, false, &held[count]), 0);
        count++;
    }
    CHECK_EQ(gmem_fill(&gmem, gpa(8 * MiB)), -ENOMEM);
    CHECK_EQ(gmem_zero(&gmem, gpa(8 * MiB), 8), -EFAULT);
    CHECK_EQ(promised(), 0);
    while (count-- > 0)
        pmm_free(held[count], pmm_order_of(held[count]), PMM_IMAGE, false);
    CHECK_EQ(gmem_fill(&gmem, gpa(8 * MiB)), 0);
    CHECK_EQ(resident(), 10 * MiB);
    teardown();
}

TEST(lent_to_a_device)
{
    struct gmem_batch batch = {0};
    struct slat_translation t;
    hpa_t host;

    setup();
    CHECK_EQ(gmem_populate(&gmem, &slat, gpa(0), 8 * MiB), 0);
    CHECK_EQ(gmem_pin(&gmem, gpa(7 * MiB), 2 * MiB), -EFAULT);
    CHECK_EQ(gmem_pin(&gmem, gpa(~0ull), 2), -EFAULT);
    CHECK_EQ(gmem_pin(&gmem, gpa(2 * MiB - 1), 2), 0); /* frames 0 and 1 */
    CHECK_EQ(gmem_pin(&gmem, gpa(100), 0), 0);
    CHECK(!gmem_detach(&gmem, gpa(0), &batch));
    CHECK(!gmem_detach(&gmem, gpa(2 * MiB), &batch));
    CHECK(gmem_detach(&gmem, gpa(4 * MiB), &batch));
    gmem_release(&gmem, &batch);
    CHECK_EQ(gmem_pin(&gmem, gpa(2 * MiB), 1), 0); /* twice */
    gmem_unpin(&gmem, gpa(2 * MiB - 1), 2);
    CHECK(!gmem_detach(&gmem, gpa(2 * MiB), &batch));
    CHECK(gmem_detach(&gmem, gpa(0), &batch));
    gmem_unpin(&gmem, gpa(2 * MiB), 1);
    CHECK(gmem_detach(&gmem, gpa(2 * MiB), &batch));
    gmem_release(&gmem, &batch);

    CHECK_EQ(gmem_pin(&gmem, gpa(3 * MiB), 2 * MiB), 0); /* comes back */
    CHECK_EQ(resident(), 6 * MiB);
    CHECK_EQ(gmem_pinned(&gmem, gpa(3 * MiB + 5), 4 * MiB, &host), MiB - 5);
    CHECK_EQ(slat_lookup(&slat, gpa(3 * MiB + 5), &t), 0);
    CHECK_EQ(t.host.v, host.v);
    CHECK_EQ(gmem_pinned(&gmem, gpa(4 * MiB), 7, &host), 7);
    gmem_unpin(&gmem, gpa(3 * MiB), 2 * MiB);
    teardown();
}
