/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API's tasks: begun by handlers, ended by what happens.
 *
 * vm.shutdown succeeds when the guest has switched itself off (or somebody its VM), and fails with
 * a crash, the end of the definition, or a guest that does nothing. vm.disk.remove succeeds when
 * the guest has given the disk up, or is gone. The host's end is a task that nobody sees ended.
 */
#include "mgmt/api_tasks.h"

#include "core/kern/timer.h"
#include "core/lib/errno.h"
#include "core/lib/printf.h"
#include "core/lib/string.h"
#include "core/vmm/clock.h"
#include "mgmt/api_events.h"
#include "mgmt/auth.h"
#include "mgmt/job.h"
#include "mgmt/prefer.h"
#include "mgmt/api_list.h"

#define VM_SHUTDOWN   "vm.shutdown"
#define WAIT_MS_MAX   60000u
#define TASK_TEXT_MAX 1024u

static const char no_answer[] = "The guest did not switch itself off in the time it was given.";

static struct job_table table;

static u64 unix_or_0(void)
{
    return clock_is_known() ? clock_unix_ns() : 0;
}

static void tell(const struct job *job)
{
    char id[24];

    ksnprintf(id, sizeof(id), "%llu", (unsigned long long)job->id);
    api_events_task(id, job_state_name(job->state));
}

static void finish(struct job *job, enum job_state state, const char *error)
{
    job_end(job, state, error, unix_or_0());
    tell(job);
}

static void on_vm(enum vmm_change change, u32 id, const char *name unused, enum vmm_state state)
{
    struct job *job = job_running(&table, VM_SHUTDOWN, id);

    if (!job)
        return;
    if (change == VMM_DELETED)
        finish(job, JOB_FAILED, "The VM was deleted.");
    else if (change == VMM_NEW_STATE && state == VMM_STOPPED)
        finish(job, JOB_SUCCEEDED, NULL);
    else if (change == VMM_NEW_STATE && state == VMM_CRASHED)
        finish(job, JOB_FAILED, "The VM crashed.");
    else if (change == VMM_NEW_STATE && state == VMM_STARTING)
        finish(job, JOB_FAILED, "The VM was started again.");
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
        finish(job, JOB_SUCCEEDED, NULL);
        break;
    case VMM_REMOVAL_NO_ANSWER:
        finish(job, JOB_FAILED, "The guest did not give the disk up in 30 seconds; it keeps it.");
        break;
    case VMM_REMOVAL_NOT_KEPT:
        finish(job, JOB_FAILED, "The pool could not take the changed definition.");
        break;
    case VMM_REMOVAL_NONE:
        finish(job, JOB_FAILED, "The VM was deleted.");
        break;
    }
}

/* The guest has had its time. */
static void end_shutdown(struct job *job)
{
    struct vmm_error err;

    if (!job->ends_by_force)
        finish(job, JOB_FAILED, no_answer);
    else if (vmm_poweroff(job->vm, &err))
        finish(job, JOB_FAILED, "The VM could not be powered off.");
    /* else on_vm has ended it */
}

void api_tasks_poll(u64 now_ns)
{
    for (u32 i = 0; i < JOBS_MAX; i++) {
        struct job *job = &table.jobs[i];

        if (job->id == 0 || job->vm == 0 || job->state != JOB_RUNNING)
            continue;
        if (strcmp(job->kind, VM_DISK_REMOVE) == 0)
            poll_removal(job);
        else if (now_ns - job->begin_ns >= job->limit_ns)
            end_shutdown(job);
    }
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
    if (job->error)
        json_put_string(w, "error", job->error);
    json_object_end(w);
}

/* Return: NULL: there is no place for it. */
static struct job *begin(const char *kind, const char *target, u32 vm)
{
    struct job job = {.kind = kind, .vm = vm, .begin_ns = time_ns(), .begin_unix_ns = unix_or_0()};
    struct job *made = job_running(&table, kind, vm);

    (void)str_copy(job.target, sizeof(job.target), target);
    if (made)
        return made;
    made = job_begin(&table, &job);
    if (made)
        tell(made);
    return made;
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

    if (job && job->state == JOB_RUNNING && time_ns() < req->state.end)
        return false;
    if (!job)
        no_such(req);
    else if (job->error == no_answer)
        api_error(req, &(struct problem){
                           .slug = "guest_no_answer",
                           .detail = no_answer,
                           .hint = "Give it more grace_ms, or POST poweroff, which needs no guest.",
                       });
    else
        put_job(reply_json(req, job->state == JOB_RUNNING ? 202 : 200), job);
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

void api_task_begin(struct req *req, const char *kind, const char *target, u32 vm)
{
    struct job unkept = {.kind = kind};
    struct job *made = begin(kind, target, vm);

    (void)str_copy(unkept.target, sizeof(unkept.target), target);
    if (made)
        reply_header(req, "Location", API_BASE "/tasks/%llu", (unsigned long long)made->id);
    if (made && wait_for(req, made))
        return;
    put_job(reply_json(req, 202), made ? made : &unkept);
}

void api_task_shutdown(struct req *req, u32 vm, const struct shutdown *wanted)
{
    struct job *job = begin(VM_SHUTDOWN, req->match.params[0], vm);

    if (!job) {
        api_error(req, &(struct problem){
                           .slug = "busy",
                           .detail = "The guest was asked, but no more tasks can be watched.",
                           .retry_after_s = 10,
                           .hint = "GET the VM to see its state; DELETE tasks or ask again later.",
                       });
        return;
    }
    job->limit_ns = time_ns() - job->begin_ns + wanted->grace_ms * NS_PER_MS;
    job->ends_by_force = wanted->by_force;
    api_task_begin(req, VM_SHUTDOWN, req->match.params[0], vm);
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
    static const struct api_list tasks = {next_task, TASK_TEXT_MAX, LIST_ALL};

    reply_list(req, &tasks);
}

/* state.offset: the task; .end: until when to wait for its end. */
static enum produce task_produce(struct req *req, struct json_writer *w)
{
    const struct job *job = job_find(&table, req->state.offset);

    if (job && job->state == JOB_RUNNING && time_ns() < req->state.end)
        return PRODUCE_WAIT;
    if (job)
        put_job(w, job);
    return PRODUCE_DONE;
}

void api_task_get(struct req *req)
{
    static const struct body_source source = {.produce = task_produce, .ends_with_client = true};
    const char *text = req->match.params[0];
    const struct job *job;
    char *end;
    u64 wait_ms;

    req->state.offset = strtoul(text, &end, 10);
    job = job_find(&table, req->state.offset);
    if (*end != '\0' || !job || !auth_sees_vm(&req->who, job->vm)) {
        no_such(req);
        return;
    }
    if (query_u64(req, "wait_ms", 0, &wait_ms))
        return;
    req->state.end = time_ns() + MIN(wait_ms, (u64)WAIT_MS_MAX) * NS_PER_MS;
    reply_stream(req, 200, "application/json", HTTP_LENGTH_NONE, &source);
}
