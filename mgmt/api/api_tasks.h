/* SPDX-License-Identifier: BSD-2-Clause */
/* The API's tasks. Context of all: management task. */
#ifndef SOCLE_MGMT_API_TASKS_H
#define SOCLE_MGMT_API_TASKS_H

#include "mgmt/api/api.h"
#include "mgmt/api/job.h"

#define VM_DISK_REMOVE "vm.disk.remove"

/* Context: boot, before there are VMs. */
void api_tasks_start(void);

/* Ends tasks that are done, and those whose time is over. Called in every turn of the agent. */
void api_tasks_poll(u64 now_ns);

/* A task that reports by itself: begins one as it is described, but for its id and times. Return:
 * NULL: all places are taken. */
struct job *api_task_make(const struct job *like) must_check;

/* Its state has changed, or it ends. error: copied; NULL unless it failed. */
void api_task_set(struct job *job, enum job_state state, const struct job_error *error);

/* Answers 202 with it and where it is to be found. */
void api_task_answer(struct req *req, const struct job *job);

/*
 * A task begins: answers 202 with it and where it is to be found, or, to a client that prefers to
 * wait, 200 with its end. vm: its id, or 0. One of that
 * kind that runs for the VM already is answered instead. With all places taken it is not kept, and
 * its answer has no id.
 */
void api_task_begin(struct req *req, const char *kind, const char *target, u32 vm);

#define SHUTDOWN_GRACE_MS     600000u
#define SHUTDOWN_GRACE_MS_MAX 86400000u

/* How long a guest may take to switch itself off, and what then. */
struct shutdown {
    u64 grace_ms;
    bool by_force; /* it is powered off; else the task fails */
};

/* The guest of a VM has been asked to switch itself off: answers as api_task_begin. Asked again, it
 * has as long as was said last. */
void api_task_shutdown(struct req *req, u32 vm, const struct shutdown *wanted);

#endif
