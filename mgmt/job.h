/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks of the API: what was begun by a request and goes on after its answer. (A struct task is the
 * scheduler's.)
 *
 * A table of fixed size: those that have ended stay until their place is needed, the oldest first.
 * Plain data without a lock.
 */
#ifndef SOCLE_MGMT_JOB_H
#define SOCLE_MGMT_JOB_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define JOBS_MAX       64u
#define JOB_TARGET_MAX 63u

enum job_state { JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED };

struct job {
    u64 id;           /* 0: a free place */
    const char *kind; /* static: "vm.shutdown" */
    char target[JOB_TARGET_MAX + 1];
    u32 vm; /* its id, or 0 */
    enum job_state state;
    const char *error;  /* static: why it failed, a sentence; or NULL */
    u64 begin_ns;       /* uptime */
    u64 limit_ns;       /* it may take so long */
    bool ends_by_force; /* then: a VM is powered off, and that is its success; else it has failed */
    u64 begin_unix_ns;  /* 0: the clock is unknown */
    u64 end_unix_ns;
};

struct job_table {
    u64 last_id;
    struct job jobs[JOBS_MAX];
};

/* Begins one, as it is described but for its id. Return: NULL: all places are taken by those that
 * run. */
struct job *job_begin(struct job_table *table, const struct job *job);

void job_end(struct job *job, enum job_state state, const char *error, u64 unix_ns);

struct job *job_find(struct job_table *table, u64 id);

/* The one of that kind that runs for the VM, or NULL. */
struct job *job_running(struct job_table *table, const char *kind, u32 vm);

/* Walks them by id: the first with a larger one, or NULL. */
struct job *job_after(struct job_table *table, u64 id);

const char *job_state_name(enum job_state state);

#endif
