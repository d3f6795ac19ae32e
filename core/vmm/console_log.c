/* SPDX-License-Identifier: BSD-2-Clause */
/* From console bytes to log lines, within a budget. */
#include "core/vmm/console_log.h"

#include "core/lib/string.h"
#include "core/vdev/vconsole.h"
#include "core/x86/log.h"

#define PERIOD_NS    (50 * NS_PER_MS)
#define PIECE_BYTES  2048u
#define LINE_COST_NS (NS_PER_S / CONSOLE_LOG_PER_S)
#define BUDGET_NS    (CONSOLE_LOG_BURST * LINE_COST_NS)

void console_log_begin(struct console_log *log, struct vconsole *con)
{
    *log = (struct console_log){.offset = vconsole_written(con)};
}

/* Takes the price of a line, if the budget allows: spent_ns runs at most BUDGET_NS ahead of now. */
static bool pay(struct console_log *log, u64 now_ns)
{
    u64 spent = MAX(log->spent_ns, now_ns) + LINE_COST_NS;

    if (spent - now_ns > BUDGET_NS)
        return false;
    log->spent_ns = spent;
    return true;
}

static void say(struct console_log *log, const char *vm, const char *line)
{
    if (log->left_out > 0)
        log_warn("console", "vm %s: too many lines at once: %lu left out", vm, log->left_out);
    log->left_out = 0;
    log_info("console", "vm %s: %s", vm, line);
}

/* Says the line that waits, if there is one and the budget allows. Return: true if none waits. */
static bool say_waiting(struct console_log *log, const char *vm, u64 now_ns)
{
    if (log->waiting[0] == '\0')
        return true;
    if (!pay(log, now_ns))
        return false;
    say(log, vm, log->waiting);
    log->waiting[0] = '\0';
    return true;
}

static void end_line(struct console_log *log, const char *vm, u64 now_ns)
{
    log->line[log->used] = '\0';
    if (log->used == 0)
        return;
    log->used = 0;
    if (say_waiting(log, vm, now_ns) && pay(log, now_ns)) {
        say(log, vm, log->line);
        return;
    }
    if (log->waiting[0] != '\0')
        log->left_out++;
    (void)str_copy(log->waiting, sizeof(log->waiting), log->line);
}

/* Carriage returns say nothing in a log; what no terminal should be sent, and what is not ASCII, is
 * replaced. */
static void take(struct console_log *log, u8 byte, const char *vm, u64 now_ns)
{
    if (byte == '\n') {
        end_line(log, vm, now_ns);
        return;
    }
    if (byte == '\r')
        return;
    if (log->used == CONSOLE_LOG_LINE_MAX)
        end_line(log, vm, now_ns);
    log->line[log->used++] = byte == '\t' ? ' ' : byte < ' ' || byte > '~' ? '?' : (char)byte;
}

/* Return: bytes looked at. */
static size_t copy_piece(struct console_log *log, struct vconsole *con, const char *vm, u64 now_ns)
{
    u8 piece[PIECE_BYTES];
    u64 expected = log->offset;
    size_t count = vconsole_read(con, &log->offset, piece, sizeof(piece));

    if (log->offset - count != expected) { /* the console's ring has overtaken us */
        log->left_out++;
        log->used = 0;
    }
    for (size_t i = 0; i < count; i++)
        take(log, piece[i], vm, now_ns);
    return count;
}

u64 console_log_poll(struct console_log *log, struct vconsole *con, const char *vm, u64 now_ns)
{
    /* Unread, the console stays silent: a guest that writes without end wakes nobody meanwhile. */
    if (now_ns < log->next_ns)
        return log->next_ns;
    log->next_ns = now_ns + PERIOD_NS;
    if (copy_piece(log, con, vm, now_ns) > 0 || !say_waiting(log, vm, now_ns))
        return log->next_ns;
    log->next_ns = 0;
    return 0;
}

void console_log_finish(struct console_log *log, struct vconsole *con, const char *vm, u64 now_ns)
{
    while (copy_piece(log, con, vm, now_ns) > 0)
        ;
    end_line(log, vm, now_ns);
    if (log->waiting[0] != '\0')
        say(log, vm, log->waiting);
    log->waiting[0] = '\0';
}
