/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: everything that lives long (vCPU loops, driver bottom halves, the management agent) has
 * its own stack and is pinned to one pCPU.
 *
 * Tasks are not preempted: one runs until it waits, yields or exits. An interrupt that wakes a task
 * of a better class sets a flag that task_should_yield() reports; vCPU loops look at it before each
 * VM entry, so a running guest never delays a driver by more than one VM exit.
 *
 * Waiting is by a wake token (a binary semaphore in each task): task_wake() leaves the token,
 * task_wait() consumes it or blocks until it comes. A wake-up is therefore never lost; callers loop
 * on their condition.
 */
#ifndef SOCLE_KERN_TASK_H
#define SOCLE_KERN_TASK_H

#include "core/lib/compiler.h"
#include "core/lib/list.h"
#include "core/lib/types.h"

enum task_class { TASK_DRIVER, TASK_AGENT, TASK_VCPU, TASK_CLASS_COUNT };

enum task_state { TASK_NEW, TASK_RUNNABLE, TASK_RUNNING, TASK_WAITING, TASK_EXITED };

#define TASK_NAME_MAX 24

struct task {
    char name[TASK_NAME_MAX]; /* (c)onst after task_start */
    enum task_class class;    /* (c) */
    u32 pcpu;                 /* (c) the pCPU it runs on */
    void (*entry)(void *arg); /* (c) */
    void *arg;                /* (c) */
    void *stack;              /* (c) lowest usable address */
    u64 saved_rsp;            /* run-queue lock */
    enum task_state state;    /* run-queue lock */
    bool wake_token;          /* run-queue lock */
    u64 run_ns;               /* (o)wner pCPU: time spent running */
    u64 started_ns;           /* (o) when it last got the pCPU */
    u64 ready_ns;             /* (o) time spent waiting for the pCPU though there was work to do */
    u64 ready_since_ns;       /* run-queue lock */
    struct list link;         /* run queue or none; run-queue lock */
    struct task *joiner;      /* run-queue lock: task waiting in task_join */
};

/*
 * Gives the task a stack and makes it runnable on the pCPU. The caller owns the struct, zeroed,
 * until task_join returns. Context: task. Return: 0, -ENOMEM, -EINVAL (no such pCPU).
 */
int task_start(struct task *task, const char *name, enum task_class class, u32 pcpu,
               void (*entry)(void *arg), void *arg) must_check;

/* Waits until the task has left its entry function, then frees its stack. Context: another task. */
void task_join(struct task *task);

/* True once the task's entry function has returned and task_join will not block. Context: any. */
bool task_has_exited(const struct task *task);

/* Leaves the wake token and makes the task runnable. Context: any, interrupt included. */
void task_wake(struct task *task);

/* Consumes the wake token, blocking until there is one. Context: task, no lock held. */
void task_wait(void);

/* As task_wait, but returns at the deadline (ns since boot) too. Return: true if woken, false if
 * timed out. */
bool task_wait_until(u64 deadline_ns);

/* Lets other runnable tasks of the same or a better class run first. Context: task, no lock held.
 */
void task_yield(void);

/* True if task_yield() would run something else of a better class, or the time slice is over. */
bool task_should_yield(void);

/* The running task; NULL only in early boot. */
struct task *task_current(void);

#endif
