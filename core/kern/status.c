/* SPDX-License-Identifier: BSD-2-Clause */
/* Hands the status lines to the consoles when they change. */
#include "core/kern/status.h"

#include "core/lib/compiler.h"
#include "core/lib/string.h"

static struct status_sink *sinks;
static char shown[STATUS_LINES_MAX][STATUS_LINE_MAX];
static unsigned shown_count;

void status_add_sink(struct status_sink *sink)
{
    sink->next = sinks;
    sinks = sink;
}

/* How many lines from the first are shown as they are now. */
static unsigned count_shown(const char *const *lines, unsigned count)
{
    unsigned same = 0;

    while (same < MIN(count, shown_count) &&
           strncmp(lines[same], shown[same], STATUS_LINE_MAX - 1) == 0)
        same++;
    return same;
}

void status_show(const char *const *lines, unsigned count, unsigned lively)
{
    const char *copies[STATUS_LINES_MAX];
    unsigned same;

    count = MIN(count, STATUS_LINES_MAX);
    same = count_shown(lines, count);
    if (same == count && count == shown_count)
        return;
    for (unsigned i = 0; i < count; i++) {
        (void)str_copy(shown[i], sizeof shown[i], lines[i]);
        copies[i] = shown[i];
    }
    for (struct status_sink *s = sinks; s != NULL; s = s->next) {
        if (!s->is_scrolling || count != shown_count || same + lively < count)
            s->show(s->cookie, copies, count, same);
    }
    shown_count = count;
}
