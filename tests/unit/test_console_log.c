/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/vmm/console_log.c core/vdev/vconsole.c core/lib/str.c tests/fakes/fake_board.c
 * tests/fakes/fake_board_net.c tests/fakes/fake_timer.c
 */
/* A guest's lines reach the log whole and harmless, and no guest can fill it. */
#include "tests/unit/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/vdev/vconsole.h"
#include "core/vmm/console_log.h"
#include "core/x86/log.h"

static struct vconsole con;
static struct console_log copy;
static char said[8192];
static u32 lines, warnings;
static u64 now;

void log_write(enum log_level level, const char *subsys, const char *fmt, ...)
{
    size_t used = strlen(said);
    va_list args;

    CHECK_STR(subsys, "console");
    va_start(args, fmt);
    vsnprintf(said + used, sizeof(said) - used - 1, fmt, args);
    va_end(args);
    if (used < sizeof(said) - LOG_TEXT_MAX)
        strcat(said, "|");
    lines++;
    warnings += level == LOG_WARN;
}

static void setup(void)
{
    CHECK_EQ(vconsole_init(&con, 4096), 0);
    now = 5 * NS_PER_S;
    said[0] = '\0';
    lines = warnings = 0;
    console_log_begin(&copy, &con);
}

static void put(const char *s)
{
    while (*s)
        vconsole_put(&con, (u8)*s++);
}

/* Polls until there is nothing new. */
static void drain(void)
{
    u64 again;

    while ((again = console_log_poll(&copy, &con, "a", now)) != 0)
        now = again;
}

TEST(whole_lines_only)
{
    setup();
    put("one\r\n\ntw");
    drain();
    CHECK_STR(said, "vm a: one|");
    put("o\n");
    drain();
    CHECK_STR(said, "vm a: one|vm a: two|");
    put("prompt# ");
    drain();
    CHECK_EQ(lines, 2);
    console_log_finish(&copy, &con, "a", now);
    CHECK_STR(said, "vm a: one|vm a: two|vm a: prompt# |");
    vconsole_fini(&con);
}

TEST(nothing_commands_a_terminal)
{
    setup();
    put("a\tb\x1b[31m\x7f\x9b\xc3\xa4\n");
    drain();
    CHECK_STR(said, "vm a: a b?[31m????|");
    vconsole_fini(&con);
}

TEST(long_lines_are_broken)
{
    char long_line[CONSOLE_LOG_LINE_MAX + 2];

    setup();
    memset(long_line, 'x', sizeof(long_line));
    long_line[sizeof(long_line) - 1] = '\0';
    put(long_line);
    put("\n");
    drain();
    CHECK_EQ(lines, 2);
    CHECK_EQ(strlen(said), CONSOLE_LOG_LINE_MAX + 1 + 2 * strlen("vm a: |"));
    vconsole_fini(&con);
}

TEST(only_what_comes_after_the_beginning)
{
    setup();
    put("before\n");
    console_log_begin(&copy, &con);
    put("after\n");
    drain();
    CHECK_STR(said, "vm a: after|");
    vconsole_fini(&con);
}

TEST(looks_only_now_and_then)
{
    u64 again;

    setup();
    put("1\n");
    again = console_log_poll(&copy, &con, "a", now);
    CHECK(again > now);
    put("2\n");
    CHECK_EQ(console_log_poll(&copy, &con, "a", again - 1), again);
    CHECK_EQ(lines, 1);
    now = again;
    drain();
    CHECK_EQ(lines, 2);
    CHECK_EQ(console_log_poll(&copy, &con, "a", now + NS_PER_S), 0);
    vconsole_fini(&con);
}

TEST(the_last_line_waits_for_its_turn)
{
    setup();
    for (u32 i = 0; i < CONSOLE_LOG_BURST + 1; i++)
        put("x\n");
    put("VERDICT\n");
    (void)console_log_poll(&copy, &con, "a", now);
    CHECK(strstr(said, "VERDICT") == NULL);
    drain();
    CHECK(now < 6 * NS_PER_S);
    CHECK(strstr(said, "|vm a: too many lines at once: 1 left out|vm a: VERDICT|") != NULL);
    CHECK_EQ(console_log_poll(&copy, &con, "a", now), 0);
    vconsole_fini(&con);
}

/* An hour of a guest that writes all it can. */
TEST(budget)
{
    setup();
    for (u32 second = 0; second < 3600; second++) {
        for (u32 i = 0; i < 100; i++)
            put("spam\n");
        drain();
        now = (6 + second) * NS_PER_S;
    }
    CHECK(lines - warnings >= 3600 * CONSOLE_LOG_PER_S);
    CHECK(lines - warnings <= CONSOLE_LOG_BURST + 3600 * CONSOLE_LOG_PER_S);
    CHECK(warnings <= lines - warnings);
    /* A pause fills the budget again. */
    now += 3600 * NS_PER_S;
    lines = warnings = 0;
    said[0] = '\0';
    for (u32 i = 0; i < CONSOLE_LOG_BURST + 50; i++)
        put("x\n");
    put("the last");
    console_log_finish(&copy, &con, "a", now);
    CHECK_EQ(lines - warnings, CONSOLE_LOG_BURST + 1);
    CHECK_EQ(warnings, 1);
    CHECK(strstr(said, "|vm a: too many lines at once: 50 left out|vm a: the last|") != NULL);
    vconsole_fini(&con);
}

TEST(overtaken_by_the_ring)
{
    setup();
    put("half a li");
    drain();
    for (u32 i = 0; i < 4096; i++)
        put("y");
    put("\nend\n");
    drain();
    CHECK(strstr(said, "half") == NULL);
    CHECK(strstr(said, "vm a: end|") != NULL);
    CHECK_EQ(warnings, 1);
    vconsole_fini(&con);
}
