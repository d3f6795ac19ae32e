/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API's tasks: begun by handlers, ended by what happens.
 *
 * vm.shutdown succeeds when the guest has switched itself off (or somebody its VM), and fails with
 * a crash, the end of the definition, or a guest that does nothing. vm.disk.remove succeeds when
 * the guest has given the disk up, or is gone. The host's end is a task that nobody sees ended.
 * Others are led by who began them (api_task_make).
 */
#include "mgmt/api/api_tasks.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/api/api_events.h"
#include "mgmt/auth/auth.h"
#include "mgmt/api/job.h"
#include "mgmt/api/prefer.h"
#include "mgmt/api/api_list.h"

#define VM_SHUTDOWN  "vm.shutdown"
#define WAIT_MS_MAX  60000u
#define JOB_TEXT_MAX 2560u /* of one in JSON, every character escaped */

static struct job_table table;

static u64 unix_or_0(void)
{
    return clock_is_known() ? clock_unix_ns() : 0;
}

void api_task_set(struct job *job, enum job_state state, const struct job_error *error)
{
    if (state == JOB_QUEUED || state == JOB_RUNNING)
        job->state = state;
    else
        job_end(job, state, error, unix_or_0());
    api_events_task(job);
}

/* why: NULL if it has succeeded. */
static void finish(struct job *job, const char *slug, const char *why, const char *hint)
{
    struct job_error error = {.slug = slug};

    if (!why) {
        api_task_set(job, JOB_SUCCEEDED, NULL);
        return;
    }
    (void)str_copy(error.detail, sizeof(error.detail), why);
    (void)str_copy(error.hint, sizeof(error.hint), hint ? hint : "");
    api_task_set(job, JOB_FAILED, &error);
}

/* The guest has been asked, and may still switch itself off; nobody waits for it any more. */
static void stop_waiting(struct job *job)
{
    api_task_set(job, JOB_CANCELLED, NULL);
}

static void on_vm(enum vmm_change change, u32 id, const char *name unused, enum vmm_state state)
{
    struct job *job = job_running(&table, VM_SHUTDOWN, id);

    if (!job)
        return;
    if (change == VMM_DELETED)
        finish(job, "gone", "The VM was deleted.", NULL);
    else if (change == VMM_NEW_STATE && state == VMM_STOPPED)
        finish(job, NULL, NULL, NULL);
    else if (change == VMM_NEW_STATE && state == VMM_CRASHED)
        finish(job, "state", "The VM crashed.", "Its \"reason\" says why.");
    else if (change == VMM_NEW_STATE && state == VMM_STARTING)
        finish(job, "state", "The VM was started again.", NULL);
}

void api_tasks_start(void)
{
    static struct vmm_watcher watcher = {.changed = on_vm};

    vmm_watch(&watcher);
}

static void poll_removal(struct job *job)
{
    switch (vmm_disk_removal(job->vm)) {
    case VMM_REMOVAL_PENDING:
        break;
    case VMM_REMOVAL_DONE:
        finish(job, NULL, NULL, NULL);
        break;
    case VMM_REMOVAL_NO_ANSWER:
        finish(job, "guest_no_answer",
               "The guest did not give the disk up in 30 seconds; it keeps it.",
               "Unmount it in the guest, or take it away by force.");
        break;
    case VMM_REMOVAL_NOT_KEPT:
        finish(job, "state", "The pool could not take the changed definition.",
               "GET /api/v1/pools says how it is.");
        break;
    case VMM_REMOVAL_NONE:
        finish(job, "gone", "The VM was deleted.", NULL);
        break;
    }
}

/* The guest has had its time. */
static void end_shutdown(struct job *job)
{
    struct vmm_error err;

    if (!job->ends_by_force)
        finish(job, "guest_no_answer",
               "The guest did not switch itself off in the time it was given.",
               "Give it more grace_ms, or switch it off, which needs no guest.");
    else if (vmm_poweroff(job->vm, &err))
        finish(job, "state", "The VM could not be powered off.", NULL);
    /* else on_vm has ended it */
}

static void poll_progress(struct job *job, u64 now_ns)
{
    job_progress_sample(&job->progress, now_ns);
    if (job_progress_news(&job->progress, now_ns))
        api_events_task(job);
}

void api_tasks_poll(u64 now_ns)
{
    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table.jobs[i];

        if (job->id == 0 || !job_is_active(job))
            continue;
        if (job->has_progress)
            poll_progress(job, now_ns);
        if (job->vm == 0)
            continue;
        if (strcmp(job->kind, VM_DISK_REMOVE) == 0)
            poll_removal(job);
        else if (now_ns - job->begin_ns >= job->limit_ns)
            end_shutdown(job);
    }
}

static void put_progress(struct json_writer *w, const struct job_progress *progress)
{
    u64 eta_ms;

    json_key(w, "progress");
    json_object_begin(w);
    json_put_u64(w, "done_bytes", progress->done_bytes);
    if (progress->total_bytes) {
        json_put_u64(w, "total_bytes", progress->total_bytes);
        json_put_ratio(w, "ratio", job_progress_permille(progress));
    }
    json_put_u64(w, "rate_bytes_per_s", progress->rate_bytes_per_s);
    if (job_progress_eta(progress, &eta_ms))
        json_put_u64(w, "eta_ms", eta_ms);
    json_object_end(w);
}

static void put_error(struct json_writer *w, const struct job_error *error)
{
    json_key(w, "error");
    api_problem_write(w, &(struct problem){.slug = error->slug,
                                           .detail = error->detail,
                                           .hint = error->hint[0] ? error->hint : NULL,
                                           .need_bytes = error->need_bytes,
                                           .free_bytes = error->free_bytes});
}

static void put_result(struct json_writer *w, const struct job *job)
{
    json_key(w, "result");
    json_object_begin(w);
    json_put_string(w, job->result, job->target);
    json_object_end(w);
}

static void put_job(struct json_writer *w, const struct job *job)
{
    char id[24];

    json_object_begin(w);
    if (job->id) {
        ksnprintf(id, sizeof(id), "%llu", (unsigned long long)job->id);
        json_put_string(w, "id", id);
    }
    json_put_string(w, "kind", job->kind);
    json_put_string(w, "target", job->target);
    json_put_string(w, "state", job_state_name(job->state));
    if (job->begin_unix_ns)
        json_put_time(w, "created_at", job->begin_unix_ns);
    if (job->end_unix_ns)
        json_put_time(w, "finished_at", job->end_unix_ns);
    json_put_bool(w, "cancellable", job_is_active(job) && job->cancel);
    if (job->state == JOB_SUCCEEDED && job->result)
        put_result(w, job);
    if (job->error.slug)
        put_error(w, &job->error);
    json_counters_follow(w);
    if (job->has_progress)
        put_progress(w, &job->progress);
    json_object_end(w);
}

struct job *api_task_make(const struct job *like)
{
    struct job *job = job_begin(&table, like);

    if (!job)
        return NULL;
    job->begin_ns = time_ns();
    job->begin_unix_ns = unix_or_0();
    api_events_task(job);
    return job;
}

/* The one of that kind for the VM that is under way, or a new one. Return: NULL: there is no place
 * for it. */
static struct job *begin(const char *kind, const char *target, u32 vm)
{
    struct job job = {.kind = kind, .vm = vm, .state = JOB_RUNNING};
    struct job *made = job_running(&table, kind, vm);

    if (strcmp(kind, VM_SHUTDOWN) == 0)
        job.cancel = stop_waiting;
    (void)str_copy(job.target, sizeof(job.target), target);
    if (made)
        return made;
    return api_task_make(&job);
}

static void no_such(struct req *req)
{
    api_error(req, &(struct problem){
                       .slug = "no_such",
                       .kind = "task",
                       .name = req->match.params[0],
                       .detail = "There is no task of that number, or it is forgotten.",
                       .hint = "GET /api/v1/tasks lists those there are.",
                   });
}

/* state.offset: the task; .end: until when its client waits for its end. */
static bool task_settle(struct req *req)
{
    const struct job *job = job_find(&table, req->state.offset);

    if (job && job_is_active(job) && time_ns() < req->state.end)
        return false;
    if (!job)
        no_such(req);
    else if (job->error.slug && strcmp(job->error.slug, "guest_no_answer") == 0)
        api_error(req, &(struct problem){.slug = job->error.slug,
                                         .detail = job->error.detail,
                                         .hint = job->error.hint});
    else
        put_job(reply_json(req, job_is_active(job) ? 202 : 200), job);
    return true;
}

/* Prefer: wait=N. The host's own end is nothing one could wait for. */
static bool wait_for(struct req *req, const struct job *job)
{
    static const struct body_source source = {.settle = task_settle, .ends_with_client = true};
    u32 wait_s = prefer_wait_s(http_header(req->http, "prefer"));

    if (wait_s == 0 || strncmp(job->kind, "host.", 5) == 0)
        return false;
    req->state.offset = job->id;
    req->state.end = time_ns() + wait_s * NS_PER_S;
    reply_header(req, "Preference-Applied", "wait=%u", wait_s);
    reply_stream(req, 202, "application/json", HTTP_LENGTH_NONE, &source);
    return true;
}

void api_task_answer(struct req *req, const struct job *job)
{
    if (job->id)
        reply_header(req, "Location", API_BASE "/tasks/%llu", (unsigned long long)job->id);
    if (!job->id || !wait_for(req, job))
        put_job(reply_json(req, 202), job);
}

void api_task_begin(struct req *req, const char *kind, const char *target, u32 vm)
{
    struct job unkept = {.kind = kind, .state = JOB_RUNNING};
    struct job *made = begin(kind, target, vm);

    (void)str_copy(unkept.target, sizeof(unkept.target), target);
    api_task_answer(req, made ? made : &unkept);
}

void api_task_shutdown(struct req *req, u32 vm, const struct shutdown *wanted)
{
    struct job *job = begin(VM_SHUTDOWN, req->match.params[0], vm);

    if (!job) {
        api_error(req, &(struct problem){
                           .slug = "busy",
                           .detail = "The guest was asked, but no more tasks can be watched.",
                           .retry_after_s = 10,
                           .hint = "Look at its state; cancel tasks or ask again later.",
                       });
        return;
    }
    job->limit_ns = time_ns() - job->begin_ns + wanted->grace_ms * NS_PER_MS;
    job->ends_by_force = wanted->by_force;
    api_task_answer(req, job);
}

/* state.name: the number of the last one. */
static bool next_task(struct req *req, struct json_writer *w)
{
    const struct job *job = job_after(&table, strtoul(req->state.name, NULL, 10));

    while (job && !auth_sees_vm(&req->who, job->vm))
        job = job_after(&table, job->id);
    if (!job)
        return false;
    ksnprintf(req->state.name, sizeof(req->state.name), "%llu", (unsigned long long)job->id);
    put_job(w, job);
    return true;
}

void api_tasks_get(struct req *req)
{
    static const struct api_list tasks = {next_task, JOB_TEXT_MAX, LIST_ALL, false};

    reply_list(req, &tasks);
}

/* state.offset: the task; .end: until when to wait for its end. */
static bool task_read(struct req *req)
{
    const struct job *job = job_find(&table, req->state.offset);

    if (job && job_is_active(job) && time_ns() < req->state.end)
        return false;
    if (job)
        put_job(reply_json(req, 200), job);
    else
        no_such(req);
    return true;
}

/* The one the path names. Return: NULL after answering 404. */
static struct job *find_job(struct req *req)
{
    char *end;
    u64 id = strtoul(req->match.params[0], &end, 10);
    struct job *job = *end == '\0' ? job_find(&table, id) : NULL;

    if (job && auth_sees_vm(&req->who, job->vm))
        return job;
    no_such(req);
    return NULL;
}

void api_task_get(struct req *req)
{
    static const struct body_source source = {.settle = task_read, .ends_with_client = true};
    const struct job *job = find_job(req);
    u64 wait_ms;

    if (!job || query_u64(req, "wait_ms", 0, &wait_ms))
        return;
    req->state.offset = job->id;
    req->state.end = time_ns() + MIN(wait_ms, (u64)WAIT_MS_MAX) * NS_PER_MS;
    if (task_read(req))
        return;
    reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}

void api_task_delete(struct req *req)
{
    struct job *job = find_job(req);

    if (!job)
        return;
    if (!job_is_active(job) || !job->cancel) {
        api_error(req, &(struct problem){
                           .slug = "not_cancellable",
                           .state = job_state_name(job->state),
                           .detail = job_is_active(job) ? "A task of this kind cannot be cancelled."
                                                        : "The task has ended.",
                           .hint = "Its \"cancellable\" says whether it can be.",
                       });
        return;
    }
    job->cancel(job);
    api_task_answer(req, job);
}
