/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as pCPUs, and what the modules under test call. */
#include "tests/race/race.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/lib/assert.h"
#include "core/x86/panic.h"
#include "core/x86/percpu.h"

/* Of what hangs. The slowest takes ten seconds alone. */
#define TIME_LIMIT_S 600

__thread struct pcpu race_pcpu;
static __thread u32 seed;
static pthread_barrier_t start;

struct job {
    pthread_t thread;
    u32 number;
    void (*fn)(u32 thread);
};

static void *job_main(void *arg)
{
    const struct job *job = arg;

    race_pcpu.id = job->number;
    seed = job->number + 1;
    pthread_barrier_wait(&start);
    job->fn(job->number);
    return NULL;
}

void race_run(u32 threads, void (*fn)(u32 thread))
{
    struct job jobs[RACE_THREADS_MAX];

    alarm(TIME_LIMIT_S);
    pthread_barrier_init(&start, NULL, threads);
    for (u32 i = 0; i < threads; i++) {
        jobs[i] = (struct job){.number = i, .fn = fn};
        if (pthread_create(&jobs[i].thread, NULL, job_main, &jobs[i]))
            abort();
    }
    for (u32 i = 0; i < threads; i++)
        pthread_join(jobs[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

u32 race_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

void assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
    abort();
}

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
