/* SPDX-License-Identifier: BSD-2-Clause */
/* Host consoles: where the log and the status page go (serial line, framebuffer). */
#ifndef SOCLE_CONSOLE_CONSOLE_H
#define SOCLE_CONSOLE_CONSOLE_H

#include "core/lib/types.h"

struct console {
    const char *name;
    void (*write)(struct console *con, const char *text, size_t bytes); /* any context; no lock */
    /* Shows the status lines at a fixed place above the log; NULL where there is no such place. */
    void (*status)(struct console *con, const char *const *lines, unsigned count);
    struct console *next;
};

#endif
