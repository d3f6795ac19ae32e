/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/status.c core/lib/str.c */
/* Status lines: what scrolls is printed only when something has happened. */
#include "core/kern/status.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/harness.h"

static unsigned fixed_count, scrolling_count, last_same;
static char last[STATUS_LINES_MAX][STATUS_LINE_MAX];

static void show(void *cookie, const char *const *lines, unsigned count, unsigned same)
{
    unsigned *shown = cookie;

    last_same = same;
    (*shown)++;
    for (unsigned i = 0; i < count; i++)
        snprintf(last[i], sizeof(last[i]), "%s", lines[i]);
}

static struct status_sink fixed = {.show = show, .cookie = &fixed_count};
static struct status_sink scrolling = {
    .show = show, .cookie = &scrolling_count, .is_scrolling = true};

TEST(what_changes_all_the_time_does_not_scroll)
{
    const char *lines[] = {"host", "VMs: 0", "CPU: 0.10"};

    status_add_sink(&fixed);
    status_add_sink(&scrolling);
    status_show(lines, 3, 1);
    CHECK_EQ(fixed_count, 1);
    CHECK_EQ(scrolling_count, 1);
    status_show(lines, 3, 1);
    CHECK_EQ(fixed_count, 1);
    lines[2] = "CPU: 0.20";
    status_show(lines, 3, 1);
    CHECK_EQ(fixed_count, 2);
    CHECK_EQ(scrolling_count, 1);
    CHECK_STR(last[2], "CPU: 0.20");
    CHECK_EQ(last_same, 2);
    lines[1] = "VMs: 1";
    status_show(lines, 3, 1);
    CHECK_EQ(fixed_count, 3);
    CHECK_EQ(scrolling_count, 2);
    CHECK_STR(last[2], "CPU: 0.20");
    lines[2] = "CPU: 0.30";
    status_show(lines, 3, 0);
    CHECK_EQ(scrolling_count, 3);
    status_show(lines, 2, 1); /* one line less */
    CHECK_EQ(scrolling_count, 4);
}

TEST(what_is_too_long_or_too_much_is_cut)
{
    const char *lines[STATUS_LINES_MAX + 2];
    char much[2 * STATUS_LINE_MAX];
    unsigned before;

    memset(much, 'x', sizeof(much));
    much[sizeof(much) - 1] = '\0';
    for (unsigned i = 0; i < STATUS_LINES_MAX + 2; i++)
        lines[i] = much;
    status_show(lines, STATUS_LINES_MAX + 2, 1);
    CHECK_EQ(strlen(last[STATUS_LINES_MAX - 1]), STATUS_LINE_MAX - 1);
    before = fixed_count;
    status_show(lines, STATUS_LINES_MAX + 2, 1); /* the same when it is cut */
    CHECK_EQ(fixed_count, before);
}
