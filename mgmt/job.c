/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the API's tasks. */
#include "mgmt/job.h"

#include "core/lib/string.h"

/* A free place, or that of the one that ended and began longest ago. */
static struct job *place(struct job_table *table)
{
    struct job *found = NULL;

    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table->jobs[i];

        if (job->id == 0)
            return job;
        if (job->state != JOB_RUNNING && (!found || job->id < found->id))
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
    made->state = JOB_RUNNING;
    return made;
}

void job_end(struct job *job, enum job_state state, const char *error, u64 unix_ns)
{
    job->state = state;
    job->error = error;
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

        if (job->id != 0 && job->state == JOB_RUNNING && job->vm == vm &&
            strcmp(job->kind, kind) == 0)
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
        [JOB_RUNNING] = "running",
        [JOB_SUCCEEDED] = "succeeded",
        [JOB_FAILED] = "failed",
    };

    return names[state];
}
