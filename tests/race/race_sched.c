/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/sched.c core/kern/fair_queue.c tests/fakes/log.c */
/* A run queue as task.c uses it: each task is in the queue or with one pCPU, never both. */
#include "core/kern/sched.h"
#include "core/x86/spinlock.h"
#include "tests/race/race.h"

#define TASKS  24u
#define ROUNDS 20000u

static struct spinlock lock = SPINLOCK_INIT("run queue", LOCK_RUNQ);
static struct sched_queue queue;
static struct task tasks[TASKS];

static void run(u32 thread)
{
    for (u32 i = 0; i < ROUNDS; i++) {
        struct task *task;
        u64 flags = spin_lock_irqsave(&lock);

        task = sched_pick(&queue);
        spin_unlock_irqrestore(&lock, flags);
        if (task == NULL)
            continue;
        CHECK(task->state == TASK_RUNNABLE);
        task->state = TASK_RUNNING;
        task->pcpu = thread;
        task->run_ns++;
        CHECK(task->pcpu == thread);
        task->state = TASK_RUNNABLE;
        flags = spin_lock_irqsave(&lock);
        sched_add(&queue, task);
        spin_unlock_irqrestore(&lock, flags);
    }
}

TEST(tasks_go_round)
{
    u64 sum = 0;
    u32 count = 0;

    sched_init(&queue);
    for (u32 i = 0; i < TASKS; i++) {
        tasks[i].class = i % 2 ? TASK_DRIVER : TASK_AGENT;
        tasks[i].state = TASK_RUNNABLE;
        sched_add(&queue, &tasks[i]);
    }
    race_run(4, run);
    while (sched_pick(&queue) != NULL)
        count++;
    CHECK_EQ(count, TASKS);
    for (u32 i = 0; i < TASKS; i++) {
        sum += tasks[i].run_ns;
        CHECK(tasks[i].run_ns > 0);
    }
    CHECK_EQ(sum, 4 * ROUNDS);
}
