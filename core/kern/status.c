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

static bool is_shown(const char *const *lines, unsigned count)
{
    if (count != shown_count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (strncmp(lines[i], shown[i], STATUS_LINE_MAX - 1) != 0)
            return false;
    }
    return true;
}

void status_show(const char *const *lines, unsigned count)
{
    const char *copies[STATUS_LINES_MAX];

    count = MIN(count, STATUS_LINES_MAX);
    if (is_shown(lines, count))
        return;
    for (unsigned i = 0; i < count; i++) {
        (void)str_copy(shown[i], sizeof shown[i], lines[i]);
        copies[i] = shown[i];
    }
    shown_count = count;
    for (struct status_sink *s = sinks; s != NULL; s = s->next)
        s->show(s->cookie, copies, count);
}
