/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vdev/vconsole.c mm/kheap.c mm/memmap.c mm/pmm.c mm/pmm_init.c mm/pmm_scrub.c
 * tests/fakes/arena.c tests/fakes/log.c
 */
/* A VM's console: what goes in on one side comes out on the other, in order, both ways at once. */
#include "core/vdev/vconsole.h"
#include "mm/layout.h"
#include "mm/pmm.h"
#include "tests/race/race.h"

#define BYTES 50000u

static struct vconsole con;
static u32 told;

static void on_output(void *arg unused)
{
    __atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
}

static void guest_writes(void)
{
    for (u32 i = 0; i < BYTES; i++)
        vconsole_put(&con, (u8)i);
}

static void outside_reads(void)
{
    u64 offset = 0;
    u8 bytes[200];

    while (offset < BYTES) {
        size_t count = vconsole_read(&con, &offset, bytes, sizeof(bytes));

        for (size_t i = 0; i < count; i++)
            CHECK(bytes[i] == (u8)(offset - count + i));
        if (count == 0)
            cpu_pause();
    }
}

static void outside_types(void)
{
    for (u32 i = 0; i < BYTES;) {
        u8 byte = (u8)i;

        if (vconsole_input(&con, &byte, 1) == 1)
            i++;
        else
            cpu_pause();
    }
}

static void guest_reads(void)
{
    for (u32 i = 0; i < BYTES;) {
        u8 byte;

        if (!vconsole_get(&con, &byte)) {
            cpu_pause();
            continue;
        }
        CHECK(byte == (u8)i);
        i++;
    }
}

static void run(u32 thread)
{
    static void (*const parts[])(void) = {guest_writes, outside_reads, outside_types, guest_reads};

    parts[thread]();
}

TEST(both_ways_at_once)
{
    struct memmap map = {.count = 1, .ranges = {{0x100000, 4 * MiB}}};

    arena_init(4 * MiB);
    CHECK_EQ(pmm_init(&map), 0);
    CHECK_EQ(vconsole_init(&con, 64 * KiB), 0);
    con.on_output = on_output;
    race_run(4, run);
    CHECK(told > 0);
    vconsole_fini(&con);
}
