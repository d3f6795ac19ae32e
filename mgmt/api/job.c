/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the API's tasks. */
#include "mgmt/api/job.h"

#include "core/lib/string.h"

#define SAMPLE_NS (500 * NS_PER_MS)
#define NEWS_NS   (1 * NS_PER_S)
#define NEWS_STEP (64 * MiB) /* of one whose total is not known */

bool job_is_active(const struct job *job)
{
    return job->state == JOB_QUEUED || job->state == JOB_RUNNING;
}

/* A free place, or that of the one that ended and began longest ago. */
static struct job *place(struct job_table *table)
{
    struct job *found = NULL;

    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table->jobs[i];

        if (job->id == 0)
            return job;
        if (!job_is_active(job) && (!found || job->id < found->id))
            found = job;
    }
    return found;
}

struct job *job_begin(struct job_table *table, const struct job *job)
{
    struct job *made = place(table);

    if (!made)
        return NULL;
    *made = *job;
    made->id = ++table->last_id;
    return made;
}

void job_end(struct job *job, enum job_state state, const struct job_error *error, u64 unix_ns)
{
    job->state = state;
    if (error)
        job->error = *error;
    job->end_unix_ns = unix_ns;
}

struct job *job_find(struct job_table *table, u64 id)
{
    for (u32 i = 0; id != 0 && i < JOBS_MAX; i++) {
        if (table->jobs[i].id == id)
            return &table->jobs[i];
    }
    return NULL;
}

struct job *job_running(struct job_table *table, const char *kind, u32 vm)
{
    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table->jobs[i];

        if (job->id != 0 && job_is_active(job) && job->vm == vm && strcmp(job->kind, kind) == 0)
            return job;
    }
    return NULL;
}

struct job *job_after(struct job_table *table, u64 id)
{
    struct job *found = NULL;

    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table->jobs[i];

        if (job->id > id && (!found || job->id < found->id))
            found = job;
    }
    return found;
}

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {
        [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_SUCCEEDED] = "succeeded",
        [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled",
    };

    return names[state];
}

void job_progress_sample(struct job_progress *progress, u64 now_ns)
{
    u64 elapsed_ms = (now_ns - progress->sample_ns) / NS_PER_MS;
    u64 bytes = progress->done_bytes - progress->sample_bytes;
    u64 rate;

    if (progress->sample_ns && elapsed_ms < SAMPLE_NS / NS_PER_MS)
        return;
    if (progress->sample_ns && !__builtin_mul_overflow(bytes, 1000u, &rate)) {
        rate /= elapsed_ms;
        /* A quarter of what is new: smooth, and right again after a few seconds. */
        progress->rate_bytes_per_s =
            progress->rate_bytes_per_s
                ? progress->rate_bytes_per_s - progress->rate_bytes_per_s / 4 + rate / 4
                : rate;
        if (bytes == 0 && progress->rate_bytes_per_s < 4)
            progress->rate_bytes_per_s = 0;
    }
    progress->sample_ns = now_ns;
    progress->sample_bytes = progress->done_bytes;
}

bool job_progress_news(struct job_progress *progress, u64 now_ns)
{
    u64 step = progress->total_bytes ? progress->total_bytes / 100 : NEWS_STEP;

    if (now_ns - progress->told_ns < NEWS_NS ||
        progress->done_bytes - progress->told_bytes < MAX(step, (u64)1))
        return false;
    progress->told_ns = now_ns;
    progress->told_bytes = progress->done_bytes;
    return true;
}

u32 job_progress_permille(const struct job_progress *progress)
{
    u64 total = progress->total_bytes;
    u64 done = MIN(progress->done_bytes, total);

    if (total == 0)
        return 0;
    return total > UINT64_MAX / 1000 ? (u32)(done / (total / 1000)) : (u32)(done * 1000 / total);
}

bool job_progress_eta(const struct job_progress *progress, u64 *eta_ms)
{
    u64 left = progress->total_bytes - MIN(progress->done_bytes, progress->total_bytes);

    if (progress->total_bytes == 0 || progress->rate_bytes_per_s == 0 ||
        __builtin_mul_overflow(left, 1000u, eta_ms))
        return false;
    *eta_ms /= progress->rate_bytes_per_s;
    return true;
}
