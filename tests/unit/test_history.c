/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/history.c core/lib/str.c */
/* Samples come back as they went in, for an hour; nothing is kept longer, and no chunk is lost. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "mgmt/api/history.h"

static int chunks_out;
static bool is_exhausted;
static struct history history;

static void *counted_alloc(size_t bytes)
{
    if (is_exhausted)
        return NULL;
    chunks_out++;
    return calloc(1, bytes);
}

static void counted_free(void *p)
{
    chunks_out -= p != NULL;
    free(p);
}

static const struct history_memory memory = {.alloc = counted_alloc, .free = counted_free};

static void add(u64 second, u64 count, u64 value)
{
    u64 values[HISTORY_COLUMNS];

    for (u32 i = 0; i < HISTORY_COLUMNS; i++)
        values[i] = value + i;
    history_add(&history, &memory, second, count, values);
}

TEST(short_numbers_are_close)
{
    CHECK_EQ(history_unpack(history_pack(0)), 0);
    CHECK_EQ(history_unpack(history_pack(2047)), 2047);
    for (u64 v = 1; v < 1ull << 42; v = v * 3 + 1) {
        u64 back = history_unpack(history_pack(v));

        CHECK(back <= v && v - back <= v / 1024);
    }
    CHECK(history_unpack(history_pack(UINT64_MAX)) >= (1ull << 42) - (1ull << 32));
}

TEST(a_column_is_read_as_it_was_written)
{
    CHECK_EQ(history_begin(&history), 0);
    CHECK_EQ(history_mean(&history, 0, 0, 10), 0);
    for (u64 s = 0; s < 10; s++)
        add(100 + s, 1, s * 10);
    CHECK_EQ(history_begin(&history), 100);
    CHECK_EQ(history.end, 110);
    CHECK_EQ(history_mean(&history, 0, 103, 1), 30);
    CHECK_EQ(history_mean(&history, 7, 103, 1), 37);
    CHECK_EQ(history_mean(&history, 0, 100, 10), 45);
    CHECK_EQ(history_mean(&history, 0, 99, 1), 0);
    CHECK_EQ(history_mean(&history, 0, 110, 1), 0);
    add(112, 3, 500); /* two skipped, three at once */
    CHECK_EQ(history_mean(&history, 0, 111, 1), 0);
    CHECK_EQ(history_mean(&history, 0, 114, 1), 500);
    CHECK_EQ(chunks_out, 1);
    history_clear(&history, &memory);
    CHECK_EQ(chunks_out, 0);
    CHECK_EQ(history_begin(&history), 0);
}

TEST(an_hour_is_kept_and_no_more)
{
    for (u64 s = 0; s < 3 * HISTORY_SECONDS; s++)
        add(s, 1, s % 1000);
    CHECK_EQ(history_begin(&history), 2 * HISTORY_SECONDS);
    for (u64 s = 2 * HISTORY_SECONDS; s < 3 * HISTORY_SECONDS; s++)
        CHECK_EQ(history_mean(&history, 0, s, 1), s % 1000);
    CHECK_EQ(history_mean(&history, 0, 2 * HISTORY_SECONDS - 1, 1), 0);
    CHECK(chunks_out <= (int)HISTORY_CHUNKS);
    /* It does not run: nothing is taken, and what is old goes. */
    history_add(&history, &memory, 3 * HISTORY_SECONDS, HISTORY_SECONDS / 2, NULL);
    CHECK_EQ(history_mean(&history, 0, 3 * HISTORY_SECONDS - 1, 1),
             (3 * HISTORY_SECONDS - 1) % 1000);
    CHECK_EQ(history_mean(&history, 0, 3 * HISTORY_SECONDS, 1), 0);
    history_add(&history, &memory, history.end, 2 * HISTORY_SECONDS, NULL);
    CHECK_EQ(chunks_out, 0);
    add(100 * HISTORY_SECONDS, 1, 7);
    CHECK_EQ(history_begin(&history), 100 * HISTORY_SECONDS);
    CHECK_EQ(chunks_out, 1);
    history_clear(&history, &memory);
    CHECK_EQ(chunks_out, 0);
}

TEST(without_memory_all_is_zero)
{
    is_exhausted = true;
    add(10, 5, 100);
    is_exhausted = false;
    CHECK_EQ(history_mean(&history, 0, 12, 1), 0);
    add(15, 5, 100);
    CHECK_EQ(history_mean(&history, 0, 12, 1), 0);
    CHECK_EQ(history_mean(&history, 0, 15, 1), 100);
    history_clear(&history, &memory);
    CHECK_EQ(chunks_out, 0);
}
