/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's log: time-stamped records in a ring, echoed to every registered console.
 *
 * Console line: "[    0.123456] 0 I pmm: 2030 MiB free" (seconds since boot, pCPU, level,
 * subsystem).
 */
#ifndef SOCLE_X86_LOG_H
#define SOCLE_X86_LOG_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

#define LOG_SUBSYS_MAX 12
#define LOG_TEXT_MAX   200

struct log_record {
    u64 seq; /* counts up from 1, without gaps */
    u64 time_ns;
    u8 level;
    u8 pcpu;
    char subsys[LOG_SUBSYS_MAX];
    char text[LOG_TEXT_MAX];
};

/* Context: any, interrupts included; takes only the log lock. Over-long text is cut. */
void log_write(enum log_level level, const char *subsys, const char *fmt, ...) printf_like(3, 4);

#define log_error(subsys, ...) log_write(LOG_ERROR, subsys, __VA_ARGS__)
#define log_warn(subsys, ...)  log_write(LOG_WARN, subsys, __VA_ARGS__)
#define log_info(subsys, ...)  log_write(LOG_INFO, subsys, __VA_ARGS__)
#define log_debug(subsys, ...) log_write(LOG_DEBUG, subsys, __VA_ARGS__)

/*
 * Copies the first record with a sequence number >= *seq that is still in the ring and sets *seq to
 * the one after it. Return: 0, or -ENODATA when there is none yet.
 */
int log_read(u64 *seq, struct log_record *out) must_check;

/* The number that the next record will have. */
u64 log_next_seq(void);

/* Where log lines are written to: a serial line, a framebuffer. */
struct log_sink {
    void (*write)(void *cookie, const char *text, size_t bytes); /* any context; takes no lock */
    void *cookie;
    struct log_sink *next;
};

/* Adds a sink and sends it what has been logged so far. The caller keeps the struct for ever. */
void log_add_sink(struct log_sink *sink);

/* Writes a line of the panic page, past the ring and its lock. */
void log_panic_line(const char *text);

/* Registers a function called (context: task or interrupt) after each new record; at most 4. */
void log_on_record(void (*fn)(void));

#endif
