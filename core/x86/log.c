/* SPDX-License-Identifier: BSD-2-Clause */
/* The log ring and its consoles. */
#include "core/x86/log.h"

#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/x86/insn.h"
#include "core/x86/percpu.h"
#include "core/x86/spinlock.h"
#include "core/x86/tsc.h"

#define RECORDS       1024u /* 256 KiB: an hour of a quiet host */
#define LINE_BYTES    (LOG_TEXT_MAX + 64)
#define LISTENERS_MAX 4

static struct spinlock lock = SPINLOCK_INIT("log", LOCK_LOG);
static struct log_record ring[RECORDS];
static u64 next_seq = 1;
static struct log_sink *sinks;
static void (*listeners[LISTENERS_MAX])(void);

static size_t format_line(const struct log_record *r, char *line)
{
    u64 us = r->time_ns / NS_PER_US;
    size_t n = ksnprintf(line, LINE_BYTES, "[%5lu.%06lu] %u %c %s: %s\n", us / 1000000,
                         us % 1000000, (unsigned)r->pcpu, "EWID"[r->level], r -> subsys, r -> text);

    return n < LINE_BYTES ? n : LINE_BYTES - 1;
}

static void write_sinks(const char *line, size_t bytes)
{
    for (struct log_sink *s = sinks; s != NULL; s = s->next)
        s->write(s->cookie, line, bytes);
}

void log_add_sink(struct log_sink *sink)
{
    char line[LINE_BYTES];
    u64 flags = spin_lock_irqsave(&lock);

    for (u64 seq = 1; seq < next_seq && next_seq <= RECORDS; seq++) {
        size_t n = format_line(&ring[seq % RECORDS], line);

        sink->write(sink->cookie, line, n);
    }
    sink->next = sinks;
    sinks = sink;
    spin_unlock_irqrestore(&lock, flags);
}

/* A record is one line, and what others put into it does not command a terminal. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((u8)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

void log_write(enum log_level level, const char *subsys, const char *fmt, ...)
{
    char line[LINE_BYTES];
    struct log_record *r;
    va_list args;
    u64 flags = spin_lock_irqsave(&lock);

    r = &ring[next_seq % RECORDS];
    r->seq = next_seq++;
    r->time_ns = tsc_to_ns(rdtsc() - tsc_boot());
    r->level = (u8)level;
    r->pcpu = (u8)this_pcpu()->id;
    (void)str_copy(r->subsys, sizeof r->subsys, subsys);
    va_start(args, fmt);
    kvsnprintf(r->text, sizeof r->text, fmt, args);
    va_end(args);
    make_printable(r->text);
    write_sinks(line, format_line(r, line));
    spin_unlock_irqrestore(&lock, flags);
    for (unsigned i = 0; i < LISTENERS_MAX && listeners[i] != NULL; i++)
        listeners[i]();
}

void log_panic_line(const char *text)
{
    write_sinks(text, strlen(text));
    write_sinks("\n", 1);
}

int log_read(u64 *seq, struct log_record *out)
{
    u64 flags = spin_lock_irqsave(&lock);
    u64 oldest = next_seq > RECORDS ? next_seq - RECORDS : 1;
    int rc = -ENODATA;

    if (*seq < oldest)
        *seq = oldest;
    if (*seq < next_seq) {
        *out = ring[*seq % RECORDS];
        (*seq)++;
        rc = 0;
    }
    spin_unlock_irqrestore(&lock, flags);
    return rc;
}

u64 log_next_seq(void)
{
    u64 flags = spin_lock_irqsave(&lock), seq = next_seq;

    spin_unlock_irqrestore(&lock, flags);
    return seq;
}

void log_on_record(void (*fn)(void))
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (listeners[i] == NULL) {
            listeners[i] = fn;
            return;
        }
    }
}
