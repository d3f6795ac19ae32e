/* SPDX-License-Identifier: BSD-2-Clause */
/* The progress of an upload or a task, on a terminal. */
#ifndef SOCLE_CLI_PROGRESS_H
#define SOCLE_CLI_PROGRESS_H

#include "core/lib/types.h"

struct progress {
    const char *what;
    u64 total_bytes, done_bytes;
    u64 from_bytes; /* done before it began: they do not count for the rate */
    u64 began_ns, shown_ns;
    bool has_no_total;
    bool is_shown; /* stderr is a terminal */
};

void progress_begin(struct progress *p, const char *what, u64 total_bytes);
/* So much more is done; draws at most ten times a second. */
void progress_add(struct progress *p, u64 bytes);
/* So much is done, of so much; draws in any case. total_bytes: 0: not known. */
void progress_set(struct progress *p, u64 done_bytes, u64 total_bytes);
/* Leaves the line to what follows. */
void progress_end(struct progress *p);

/* The line at a time after the beginning: pure. */
void progress_line(const struct progress *p, u64 elapsed_ns, char *out, size_t size);

#endif
