/* SPDX-License-Identifier: BSD-2-Clause */
/* Bar, share, rate and time to come. */
#include "tools/socle/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/socle/text.h"

#define BAR_COLUMNS 24u
#define PERIOD_NS   (100 * NS_PER_MS)
#define LINE_MAX    160u

static u64 now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

/* Whole seconds: as long as something is to come it takes one. */
static u64 round_up(double seconds)
{
    u64 whole = (u64)seconds;

    return whole + ((double)whole < seconds);
}

void progress_line(const struct progress *p, u64 elapsed_ns, char *out, size_t size)
{
    double share = p->has_no_total  ? 0.0
                   : p->total_bytes ? (double)p->done_bytes / (double)p->total_bytes
                                    : 1.0;
    double rate =
        elapsed_ns ? (double)(p->done_bytes - p->from_bytes) * 1e9 / (double)elapsed_ns : 0;
    bool is_done = p->done_bytes == p->total_bytes && !p->has_no_total;
    char bar[BAR_COLUMNS + 1], done[TEXT_NUMBER_MAX], speed[TEXT_NUMBER_MAX],
        left[TEXT_NUMBER_MAX] = "?";
    size_t full;

    if (share > 1.0)
        share = 1.0;
    full = (size_t)(share * BAR_COLUMNS);
    memset(bar, ' ', BAR_COLUMNS);
    memset(bar, '#', full);
    bar[BAR_COLUMNS] = '\0';
    text_size(done, p->done_bytes);
    text_size(speed, (u64)rate);
    if (rate >= 1 && !p->has_no_total)
        text_duration(left, round_up((double)(p->total_bytes - p->done_bytes) / rate) * NS_PER_S);
    if (is_done)
        text_duration(left, elapsed_ns);
    snprintf(out, size, "%s [%s] %3u%%  %s  %s/s  %s%s", p->what, bar, (unsigned int)(share * 100),
             done, speed, is_done ? "in " : "ETA ", left);
}

static void draw(struct progress *p, u64 now)
{
    char line[LINE_MAX];

    progress_line(p, now - p->began_ns, line, sizeof(line));
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    p->shown_ns = now;
}

void progress_begin(struct progress *p, const char *what, u64 total_bytes)
{
    *p = (struct progress){
        .what = what, .total_bytes = total_bytes, .began_ns = now_ns(), .is_shown = isatty(2)};
}

void progress_add(struct progress *p, u64 bytes)
{
    u64 now = now_ns();

    p->done_bytes += bytes;
    if (p->is_shown && now - p->shown_ns >= PERIOD_NS)
        draw(p, now);
}

void progress_set(struct progress *p, u64 done_bytes, u64 total_bytes)
{
    p->done_bytes = done_bytes;
    p->total_bytes = total_bytes < done_bytes ? done_bytes : total_bytes;
    p->has_no_total = total_bytes == 0;
    if (p->is_shown)
        draw(p, now_ns());
}

void progress_end(struct progress *p)
{
    if (!p->is_shown)
        return;
    draw(p, now_ns());
    fputc('\n', stderr);
}
