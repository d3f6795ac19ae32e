/* SPDX-License-Identifier: BSD-2-Clause */
/* The status page on the host's own consoles. */
#ifndef SOCLE_KERN_STATUS_H
#define SOCLE_KERN_STATUS_H

#include "core/lib/types.h"

#define STATUS_LINES_MAX   24 /* fit above some lines of log on a screen of 640x480 */
#define STATUS_LINES_USUAL 8
#define STATUS_LINE_MAX    100

/* A console that can show status lines. The caller keeps the struct for ever. */
struct status_sink {
    /* The first `same` lines are as they were before. */
    void (*show)(void *cookie, const char *const *lines, unsigned count, unsigned same);
    void *cookie;
    bool is_scrolling; /* it has no fixed place for them, and prints them anew each time */
    struct status_sink *next;
};

void status_add_sink(struct status_sink *sink);

/* Shows these lines (at most STATUS_LINES_MAX) if they differ from what is shown; the last `lively`
 * of them change all the time, and are no reason for a scrolling console to print. Context:
 * management task. */
void status_show(const char *const *lines, unsigned count, unsigned lively);

#endif
