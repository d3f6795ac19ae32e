/* SPDX-License-Identifier: BSD-2-Clause */
/* Picks the next task. */
#include "core/kern/sched.h"

void sched_init(struct sched_queue *q)
{
    for (unsigned c = 0; c < TASK_CLASS_COUNT; c++) {
        list_init(&q->ready[c]);
        q->passed_over[c] = 0;
    }
}

void sched_add(struct sched_queue *q, struct task *task)
{
    list_push_back(&q->ready[task->class], &task->link);
}

static int choose_class(const struct sched_queue *q)
{
    int best = -1;

    for (int c = 0; c < TASK_CLASS_COUNT; c++) {
        if (list_empty(&q->ready[c]))
            continue;
        if (q->passed_over[c] >= SCHED_PATIENCE)
            return c;
        if (best < 0)
            best = c;
    }
    return best;
}

struct task *sched_pick(struct sched_queue *q)
{
    int class = choose_class(q);
    struct task *task;

    if (class < 0)
        return NULL;
    for (int c = 0; c < TASK_CLASS_COUNT; c++) {
        if (c != class && !list_empty(&q->ready[c]))
            q->passed_over[c]++;
    }
    q->passed_over[class] = 0;
    task = list_entry(q->ready[class].next, struct task, link);
    list_remove(&task->link);
    return task;
}

bool sched_has_same_or_better(const struct sched_queue *q, enum task_class class)
{
    for (unsigned c = 0; c <= class; c++) {
        if (!list_empty(&q->ready[c]))
            return true;
    }
    return false;
}
