/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: tools/socle/text.c tools/socle/grid.c tools/socle/mem.c tools/socle/progress.c
 * tools/socle/lines.c */
/* Sizes, times, tables, progress and lines of the command line. */
#include "tests/unit/harness.h"

#include <string.h>

#include "tools/socle/grid.h"
#include "tools/socle/lines.h"
#include "tools/socle/mem.h"
#include "tools/socle/progress.h"
#include "tools/socle/text.h"

static u64 size_of(const char *text)
{
    u64 bytes = 0;

    CHECK(text_parse_size(text, &bytes));
    return bytes;
}

TEST(sizes_are_read)
{
    CHECK_EQ(size_of("0"), 0);
    CHECK_EQ(size_of("4096"), 4096);
    CHECK_EQ(size_of("12B"), 12);
    CHECK_EQ(size_of("64k"), 64 * KiB);
    CHECK_EQ(size_of("512M"), 512 * MiB);
    CHECK_EQ(size_of("2GiB"), 2 * GiB);
    CHECK_EQ(size_of("2GB"), 2 * GiB);
    CHECK_EQ(size_of("1.5G"), 1536 * MiB);
    CHECK_EQ(size_of("0.25t"), 256 * GiB);
    CHECK_EQ(size_of("18446744073709551609"), 18446744073709551609ull);
}

TEST(what_is_no_size)
{
    static const char *const texts[] = {"",
                                        "-1",
                                        "G",
                                        "1X",
                                        "1 G",
                                        "1GG",
                                        "1iB",
                                        "1.G",
                                        "1.5",
                                        "1.5.5G",
                                        "0x10",
                                        "1e9",
                                        "99999999999999999999",
                                        "9000P",
                                        " 1",
                                        "1G "};
    u64 bytes;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(!text_parse_size(texts[i], &bytes));
}

TEST(numbers_have_a_limit)
{
    u64 value = 0;

    CHECK(text_parse_number("64", 64, &value) && value == 64);
    CHECK(text_parse_number("0", 0, &value) && value == 0);
    CHECK(text_parse_number("18446744073709551615", UINT64_MAX, &value) && value == UINT64_MAX);
    CHECK(!text_parse_number("65", 64, &value));
    CHECK(!text_parse_number("5", 4, &value));
    CHECK(!text_parse_number("18446744073709551616", UINT64_MAX, &value));
    CHECK(!text_parse_number("", 64, &value));
    CHECK(!text_parse_number("-1", 64, &value));
    CHECK(!text_parse_number("1k", 64, &value));
}

static const char *as_size(u64 bytes)
{
    static char text[TEXT_NUMBER_MAX];

    text_size(text, bytes);
    return text;
}

static const char *as_time(u64 ns)
{
    static char text[TEXT_NUMBER_MAX];

    text_duration(text, ns);
    return text;
}

TEST(sizes_and_times_are_written)
{
    CHECK_STR(as_size(0), "0 B");
    CHECK_STR(as_size(1023), "1023 B");
    CHECK_STR(as_size(1536), "1.5 KiB");
    CHECK_STR(as_size(256 * MiB), "256 MiB");
    CHECK_STR(as_size(GiB + GiB / 2), "1.5 GiB");
    CHECK_STR(as_size(UINT64_MAX), "15.9 EiB");
    CHECK_STR(as_time(999), "999 ns");
    CHECK_STR(as_time(1500000), "1.5 ms");
    CHECK_STR(as_time(59 * NS_PER_S), "59 s");
    CHECK_STR(as_time(125 * NS_PER_S), "2 min 5 s");
    CHECK_STR(as_time(7500 * NS_PER_S), "2 h 5 min");
    CHECK_STR(as_time(100 * 3600 * NS_PER_S), "4 d 4 h");
    CHECK(strlen(as_time(UINT64_MAX)) < TEXT_NUMBER_MAX - 1);
}

TEST(terminals_get_no_orders)
{
    char text[] = "a\033[2Jb\r\n\x7f\xc2\x9b"
                  "c\xc3\xa9\xc2";

    text_make_safe(text);
    CHECK_STR(text, "a [2Jb     c\xc3\xa9\xc2");
    CHECK_EQ(text_width("\xc3\xa9t\xc3\xa9"), 3);
}

TEST(columns_are_aligned)
{
    struct grid grid;
    char *text;

    grid_begin(&grid, "NAME|>SIZE|STATE");
    grid_add(&grid, "one");
    grid_add(&grid, "64 MiB");
    grid_add(&grid, "up");
    grid_add(&grid, "\xc3\xa9t\xc3\xa9-1");
    grid_add(&grid, "2 GiB");
    grid_add(&grid, NULL);
    text = grid_end(&grid);
    CHECK_STR(text, "NAME     SIZE  STATE\n"
                    "one    64 MiB  up\n"
                    "\xc3\xa9t\xc3\xa9-1   2 GiB  -\n");
    free(text);
}

TEST(a_table_without_rows_is_nothing)
{
    struct grid grid;
    char *text;

    grid_begin(&grid, "NAME|>SIZE");
    text = grid_end(&grid);
    CHECK_STR(text, "");
    free(text);
}

TEST(a_large_table)
{
    struct grid grid;
    size_t lines = 0;
    char *text;

    grid_begin(&grid, "A|B");
    for (size_t i = 0; i < 10000; i++)
        grid_add(&grid, "x");
    text = grid_end(&grid);
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    CHECK_EQ(lines, 5001);
    free(text);
}

TEST(servers_with_and_without_a_port)
{
    static const struct {
        const char *text, *host;
        u64 port;
    } good[] = {
        {"store.example", "store.example", 0},
        {"192.0.2.7:10809", "192.0.2.7", 10809},
        {"2001:db8::7", "2001:db8::7", 0},
        {"[2001:db8::7]:1", "2001:db8::7", 1},
        {"[::1]", "::1", 0},
    };
    static const char *const bad[] = {"",    ":1",     "h:",    "h:0",    "h:65536", "h:x",
                                      "[::", "[::1]1", "[]:10", "[::1]:", "h:1x"};
    char host[TEXT_HOST_MAX], much[TEXT_HOST_MAX + 1];
    u64 port;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK(text_parse_server(good[i].text, host, &port));
        CHECK_STR(host, good[i].host);
        CHECK_EQ(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!text_parse_server(bad[i], host, &port));
    memset(much, 'a', TEXT_HOST_MAX);
    much[TEXT_HOST_MAX] = '\0';
    CHECK(!text_parse_server(much, host, &port));
    CHECK(text_parse_server(much + 1, host, &port));
}

TEST(progress_without_a_total_and_from_the_middle)
{
    struct progress p = {.what = "disk"};
    char line[160];

    progress_set(&p, 3 * MiB, 0);
    progress_line(&p, 3 * NS_PER_S, line, sizeof(line));
    CHECK_STR(line, "disk [                        ]   0%  3 MiB  1 MiB/s  ETA ?");
    progress_set(&p, 75 * MiB, 100 * MiB);
    p.from_bytes = 50 * MiB; /* what was there before does not count for the rate */
    progress_line(&p, 5 * NS_PER_S, line, sizeof(line));
    CHECK_STR(line, "disk [##################      ]  75%  75 MiB  5 MiB/s  ETA 5 s");
}

TEST(progress_has_rate_and_time_to_come)
{
    struct progress p = {.what = "disk", .total_bytes = 100 * MiB, .done_bytes = 25 * MiB};
    char line[160];

    progress_line(&p, 5 * NS_PER_S, line, sizeof(line));
    CHECK_STR(line, "disk [######                  ]  25%  25 MiB  5 MiB/s  ETA 15 s");
    p.done_bytes = p.total_bytes;
    progress_line(&p, 20 * NS_PER_S, line, sizeof(line));
    CHECK_STR(line, "disk [########################] 100%  100 MiB  5 MiB/s  in 20 s");
    p.done_bytes = 0;
    progress_line(&p, 0, line, sizeof(line));
    CHECK_STR(line, "disk [                        ]   0%  0 B  0 B/s  ETA ?");
}

static char seen[64];

static void note(void *context, const char *line, size_t len)
{
    (void)context;
    CHECK_EQ(strlen(line), len);
    strcat(seen, line);
    strcat(seen, ";");
}

TEST(lines_come_in_pieces)
{
    struct lines lines = {.line = note};
    char *much = mem_resize(NULL, LINE_BYTES_MAX + 1);

    seen[0] = '\0';
    CHECK(lines_take(&lines, "one\ntw", 6));
    CHECK(lines_take(&lines, "o\n\n\nthree", 9));
    CHECK_STR(seen, "one;two;");
    CHECK(lines_take(&lines, "\n", 1));
    CHECK_STR(seen, "one;two;three;");
    memset(much, 'x', LINE_BYTES_MAX + 1);
    CHECK(!lines_take(&lines, much, LINE_BYTES_MAX + 1));
    free(much);
    lines_end(&lines);
}
