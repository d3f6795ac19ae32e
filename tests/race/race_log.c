/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/x86/log.c core/lib/printf.c core/lib/str.c */
/* The log: records are whole, numbered without gaps, and each writer's come in its order. */
#include <stdio.h>
#include <string.h>

#include "core/x86/log.h"
#include "core/x86/tsc.h"
#include "tests/race/race.h"

#define WRITERS 3u
#define RECORDS 5000u

static u32 at_work;

u64 tsc_boot(void)
{
    return 0;
}

u64 tsc_to_ns(u64 ticks)
{
    return ticks;
}

static void write_records(u32 thread)
{
    for (u32 i = 0; i < RECORDS; i++)
        log_info("race", "writer %u record %u, and again: %u %u", thread, i, thread, i);
    __atomic_sub_fetch(&at_work, 1, __ATOMIC_RELEASE);
}

static void check_record(const struct log_record *r, u32 *next)
{
    u32 a = 0, b = 0, c = 0, d = 0;
    int n = sscanf(r->text, "writer %u record %u, and again: %u %u", &a, &b, &c, &d);

    CHECK(n == 4 && a == c && b == d && a == r->pcpu && a <= WRITERS && b >= next[a]);
    if (a <= WRITERS)
        next[a] = b + 1;
}

static void read_records(void)
{
    u32 next[WRITERS + 1] = {0};
    struct log_record record;
    u64 seq = 1;

    for (;;) {
        bool is_last = __atomic_load_n(&at_work, __ATOMIC_ACQUIRE) == 0;
        u64 asked = seq;

        if (log_read(&seq, &record) == 0) {
            CHECK(record.seq >= asked && seq == record.seq + 1);
            check_record(&record, next);
        } else if (is_last) {
            break;
        }
    }
    CHECK_EQ(seq, WRITERS * RECORDS + 1);
}

static void run(u32 thread)
{
    if (thread == 0)
        read_records();
    else
        write_records(thread);
}

TEST(writers_and_a_reader)
{
    at_work = WRITERS;
    race_run(WRITERS + 1, run);
}
