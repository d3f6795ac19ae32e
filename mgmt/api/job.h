/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks of the API: what was begun by a request and goes on after its answer. (A struct task is the
 * scheduler's.)
 *
 * A table of fixed size: those that have ended stay until their place is needed, the oldest first.
 * One that has not ended keeps its place, so a pointer to it is good until then. Plain data without
 * a lock.
 */
#ifndef SOCLE_MGMT_JOB_H
#define SOCLE_MGMT_JOB_H

#include "core/lib/compiler.h"
#include "core/lib/types.h"

#define JOBS_MAX       64u
#define JOB_TARGET_MAX 63u
#define JOB_DETAIL_MAX 191u
#define JOB_HINT_MAX   127u

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED };

/* How far one that moves bytes has come. */
struct job_progress {
    u64 done_bytes;
    u64 total_bytes;      /* 0: not known */
    u64 rate_bytes_per_s; /* of late: a moving average */
    u64 sample_ns;        /* when the rate was taken last, uptime; 0: never */
    u64 sample_bytes;     /* what was done then */
    u64 told_ns;          /* when the last event told of it */
    u64 told_bytes;
};

/* Why it failed: what a problem document says. */
struct job_error {
    const char *slug; /* static; NULL: it did not fail */
    char detail[JOB_DETAIL_MAX + 1];
    char hint[JOB_HINT_MAX + 1]; /* "": none */
    u64 need_bytes;              /* 0: it is not about room */
    u64 free_bytes;
};

struct job {
    u64 id;           /* 0: a free place */
    const char *kind; /* static: "vm.shutdown" */
    char target[JOB_TARGET_MAX + 1];
    u32 vm; /* its id, or 0 */
    enum job_state state;
    bool has_progress;
    struct job_progress progress;
    const char *result; /* static: the kind of what `target` names and it has made; or NULL */
    struct job_error error;
    u64 begin_ns;       /* uptime */
    u64 limit_ns;       /* it may take so long */
    bool ends_by_force; /* then: a VM is powered off, and that is its success; else it has failed */
    u64 begin_unix_ns;  /* 0: the clock is unknown */
    u64 end_unix_ns;
    /* Asks it to end, which it then does with JOB_CANCELLED, now or later. NULL: it cannot. */
    void (*cancel)(struct job *job);
};

struct job_table {
    u64 last_id;
    struct job jobs[JOBS_MAX];
};

/* Begins one, as it is described but for its id. Return: NULL: all places are taken by those that
 * have not ended. */
struct job *job_begin(struct job_table *table, const struct job *job);

/* error: copied; NULL unless it failed. */
void job_end(struct job *job, enum job_state state, const struct job_error *error, u64 unix_ns);

/* Queued or running. */
bool job_is_active(const struct job *job);

struct job *job_find(struct job_table *table, u64 id);

/* The one of that kind that is active for the VM, or NULL. */
struct job *job_running(struct job_table *table, const char *kind, u32 vm);

/* Walks them by id: the first with a larger one, or NULL. */
struct job *job_after(struct job_table *table, u64 id);

const char *job_state_name(enum job_state state);

/* Takes the rate, if it is time to; called every now and then, or the rate of one that stalls would
 * stay what it was. */
void job_progress_sample(struct job_progress *progress, u64 now_ns);

/* True if there is enough news for an event: then it counts as told. At most one each second, and
 * about a hundred in all. */
bool job_progress_news(struct job_progress *progress, u64 now_ns);

/* 0 to 1000, of one whose total is known. */
u32 job_progress_permille(const struct job_progress *progress);

/* At the present rate. Return: false: nobody can say. */
bool job_progress_eta(const struct job_progress *progress, u64 *eta_ms);

#endif
