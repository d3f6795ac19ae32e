/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's console in the host's log, line by line: "vm web1: Linux version …".
 *
 * A guest writes as fast as it likes, and the host's log is small and its serial line slow. So the
 * console is looked at only now and then, and each VM has a budget of lines: CONSOLE_LOG_BURST at
 * once, CONSOLE_LOG_PER_S in the long run. What exceeds it is counted and left out, but for the
 * newest line, which waits: what a guest says last is what one looks for. Context: management task.
 */
#ifndef SOCLE_VM_CONSOLE_LOG_H
#define SOCLE_VM_CONSOLE_LOG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define CONSOLE_LOG_BURST    200u
#define CONSOLE_LOG_PER_S    10u
#define CONSOLE_LOG_LINE_MAX 120u /* longer ones are broken */

struct vconsole;

struct console_log {
    u64 offset;   /* of the next byte of the console */
    u64 next_ns;  /* not looked at before */
    u64 spent_ns; /* the budget as time: a line costs 1 s / CONSOLE_LOG_PER_S of it */
    u64 left_out; /* lines since the last one that was copied */
    u32 used;     /* of line */
    char line[CONSOLE_LOG_LINE_MAX + 1];
    char waiting[CONSOLE_LOG_LINE_MAX + 1]; /* for the budget; empty: none */
};

/* Begins at what the console gets from now on, with a full budget. */
void console_log_begin(struct console_log *log, struct vconsole *con);

/*
 * Copies lines that are complete. Return: when there is more to look at, in ns since boot; 0: when
 * the console calls on_output.
 */
u64 console_log_poll(struct console_log *log, struct vconsole *con, const char *vm, u64 now_ns);

/* Copies the rest: the last line even if it has no end, and even beyond the budget. */
void console_log_finish(struct console_log *log, struct vconsole *con, const char *vm, u64 now_ns);

#endif
