/* SPDX-License-Identifier: BSD-2-Clause */
/* Picks the next task. */
#include "core/kern/sched.h"

void sched_init(struct sched_queue *q)
{
    *q = (struct sched_queue){.vcpus.root = NULL};
    for (unsigned c = 0; c < TASK_VCPU; c++)
        list_init(&q->ready[c]);
    fair_init(&q->vcpus);
}

void sched_join(const struct sched_queue *q, struct task *task)
{
    if (task->class == TASK_VCPU)
        fair_join(&q->vcpus, &task->share);
}

void sched_leave(const struct sched_queue *q, struct task *task)
{
    if (task->class == TASK_VCPU)
        fair_leave(&q->vcpus, &task->share);
}

void sched_enter(struct sched_queue *q, struct task *task, bool is_idle)
{
    if (task->class == TASK_VCPU)
        fair_enter(&q->vcpus, &task->share, is_idle);
}

bool sched_first(const struct sched_queue *q, struct sched_first *out)
{
    const struct task *task = container_of(q->vcpus.root, struct task, share);

    if (q->vcpus.root == NULL)
        return false;
    *out = (struct sched_first){task->share, task->allowed};
    fair_leave(&q->vcpus, &out->share);
    return true;
}

bool sched_least(const struct sched_queue *q, const struct task *running, u64 *out)
{
    return fair_least(&q->vcpus, running->class == TASK_VCPU ? &running->share : NULL, out);
}

void sched_forget(struct sched_queue *q, const struct task *running,
                  const struct sched_first *elsewhere)
{
    if (running->class == TASK_VCPU)
        fair_forget(&q->vcpus, &running->share, &elsewhere->share);
}

void sched_charge(struct sched_queue *q, struct task *running, u64 ran_ns)
{
    if (running->class != TASK_VCPU)
        return;
    fair_charge(&running->share, ran_ns);
    fair_advance(&q->vcpus, &running->share);
}

void sched_add(struct sched_queue *q, struct task *task)
{
    if (task->class == TASK_VCPU)
        fair_add(&q->vcpus, &task->share);
    else
        list_push_back(&q->ready[task->class], &task->link);
}

bool sched_wake(struct sched_queue *q, struct task *task, const struct task *running)
{
    if (task->class == TASK_VCPU)
        fair_catch_up(&q->vcpus, &task->share, SCHED_SLICE_NS);
    sched_add(q, task);
    if (task->class == TASK_VCPU && running->class == TASK_VCPU)
        return fair_leads(&task->share, &running->share, SCHED_GRANULARITY_NS);
    /* An equal goes first as well: who waits has not used its share. */
    return task->class <= running->class;
}

static bool is_ready(const struct sched_queue *q, unsigned class)
{
    return class == TASK_VCPU ? q->vcpus.root != NULL : !list_empty(&q->ready[class]);
}

static int choose_class(const struct sched_queue *q)
{
    int best = -1;

    for (int c = 0; c < TASK_CLASS_COUNT; c++) {
        if (!is_ready(q, (unsigned)c))
            continue;
        if (q->passed_over[c] >= SCHED_PATIENCE)
            return c;
        if (best < 0)
            best = c;
    }
    return best;
}

static struct task *take_first(struct list *ready)
{
    struct list *first = ready->next;

    list_remove(first);
    return list_entry(first, struct task, link);
}

struct task *sched_pick(struct sched_queue *q)
{
    int class = choose_class(q);

    if (class < 0)
        return NULL;
    for (int c = 0; c < TASK_CLASS_COUNT; c++) {
        if (c != class && is_ready(q, (unsigned)c))
            q->passed_over[c]++;
    }
    q->passed_over[class] = 0;
    if (class == TASK_VCPU) {
        fair_advance(&q->vcpus, NULL);
        return container_of(fair_take(&q->vcpus), struct task, share);
    }
    return take_first(&q->ready[class]);
}

bool sched_has_same_or_better(const struct sched_queue *q, enum task_class class)
{
    for (unsigned c = 0; c <= class; c++) {
        if (is_ready(q, c))
            return true;
    }
    return false;
}

static bool may_go(const struct sched_queue *q, const struct task *task,
                   const struct sched_target *target)
{
    u64 lag_ns = task->node == target->node ? SCHED_LAG_NS : SCHED_FAR_LAG_NS;

    return cpu_mask_has(&task->allowed, target->pcpu) &&
           (!target->is_busy || fair_is_behind(&q->vcpus, &task->share, target->least, lag_ns));
}

struct task *sched_pull(struct sched_queue *q, const struct sched_target *target)
{
    struct fair_node *seen[SCHED_PULL_TRIES];
    struct task *found = NULL;
    u32 count = 0;

    while (found == NULL && count < SCHED_PULL_TRIES && q->vcpus.root != NULL) {
        struct fair_node *node = fair_take(&q->vcpus);
        struct task *task = container_of(node, struct task, share);

        if (may_go(q, task, target))
            found = task;
        else
            seen[count++] = node;
    }
    while (count > 0)
        fair_add(&q->vcpus, seen[--count]);
    if (found == NULL)
        return NULL;
    if (target->is_busy)
        fair_follow(&q->vcpus, &found->share, target->least);
    sched_leave(q, found);
    return found;
}

bool sched_take(struct sched_queue *q, struct task *task)
{
    if (!fair_is_waiting(&task->share))
        return false;
    fair_remove(&q->vcpus, &task->share);
    return true;
}

void sched_let_pass(struct sched_queue *q, struct task *running, struct task *task)
{
    fair_remove(&q->vcpus, &task->share);
    fair_let_pass(&running->share, &task->share);
    fair_add(&q->vcpus, &task->share);
}
