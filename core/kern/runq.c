/* SPDX-License-Identifier: BSD-2-Clause */
/* Run queues: accounts, slices, loads, and moves between them. */
#include "core/kern/runq.h"

#include "core/config.h"
#include "core/kern/work.h"
#include "core/lib/string.h"

static struct runq runqs[PCPUS_MAX];

void runq_resched(struct pcpu *p)
{
    __atomic_store_n(&p->remote.resched, 1, __ATOMIC_RELEASE);
    if (p != this_pcpu())
        work_kick(p->id);
}

static void slice_over(void *arg)
{
    (void)arg;
    runq_resched(this_pcpu());
}

void runq_init(void)
{
    struct runq *rq = runq_this();

    spin_init(&rq->lock, "run queue", LOCK_RUNQ);
    sched_init(&rq->ready);
    timer_init(&rq->slice, slice_over, NULL);
    (void)str_copy(rq->idle.name, sizeof rq->idle.name, "idle");
    rq->idle.class = TASK_CLASS_COUNT;
    rq->idle.pcpu = this_pcpu()->id;
    rq->idle.state = TASK_RUNNING;
    rq->idle.since_ns = time_ns();
    this_pcpu()->current = &rq->idle;
}

struct runq *runq_get(u32 pcpu)
{
    return &runqs[pcpu];
}

struct runq *runq_lock_of(const struct task *task, u64 *flags)
{
    for (;;) {
        u32 pcpu = task_pcpu(task);

        *flags = spin_lock_irqsave(&runqs[pcpu].lock);
        if (task_pcpu(task) == pcpu)
            return &runqs[pcpu];
        spin_unlock_irqrestore(&runqs[pcpu].lock, *flags);
    }
}

static bool is_reserved(const struct runq *rq)
{
    return __atomic_load_n(&rq->is_reserved, __ATOMIC_SEQ_CST);
}

bool runq_may_stay(const struct runq *rq, const struct task *task)
{
    return task->class != TASK_VCPU || is_reserved(rq) == task->is_exclusive;
}

/* -- run time
 * ------------------------------------------------------------------------------------------------
 */

void runq_account(struct runq *rq, struct task *running, u64 now)
{
    u64 ran = now > running->since_ns ? now - running->since_ns : 0;
    u64 covered = MIN(ran, running->taken_ns);

    running->since_ns += ran;
    running->run_ns += ran;
    sched_charge(&rq->ready, running, ran);
    running->taken_ns -= covered;
    if (running->limit != NULL && ran > covered)
        cpu_limit_settle(running->limit, 0, ran - covered);
}

u64 runq_end_run(struct runq *rq, struct task *running)
{
    u64 now = time_ns();

    runq_account(rq, running, now);
    if (running->taken_ns != 0)
        cpu_limit_settle(running->limit, running->taken_ns, 0);
    running->taken_ns = 0;
    return now;
}

void runq_begin_slice(struct runq *rq, struct task *task, u64 now)
{
    bool is_limited = cpu_limit_is_on(task->limit);
    bool others_wait =
        task->class < TASK_CLASS_COUNT && sched_has_same_or_better(&rq->ready, task->class);
    u64 slice = SCHED_SLICE_NS;

    if (is_limited)
        slice = task->taken_ns = cpu_limit_take(task->limit, now);
    rq->slice_end_ns = now;
    if (!runq_may_stay(rq, task))
        runq_resched(this_pcpu());
    if (!others_wait && !is_limited)
        return;
    rq->slice_end_ns += MIN(slice, SCHED_SLICE_NS);
    if (slice == 0)
        runq_resched(this_pcpu());
    else
        timer_arm(&rq->slice, rq->slice_end_ns);
}

/* -- load and placement
 * ------------------------------------------------------------------------------------------------
 */

void runq_add_load(struct runq *rq, struct task *task)
{
    task->load = task->share.weight;
    __atomic_store_n(&rq->load, rq->load + task->load, __ATOMIC_RELAXED);
}

void runq_drop_load(struct runq *rq, struct task *task)
{
    __atomic_store_n(&rq->load, rq->load - task->load, __ATOMIC_RELAXED);
    task->load = 0;
}

static bool may_run_on(const struct task *task, u32 pcpu)
{
    return cpu_mask_has(&task->allowed, pcpu) && runq_may_stay(&runqs[pcpu], task) &&
           __atomic_load_n(&pcpu_get(pcpu)->is_online, __ATOMIC_RELAXED);
}

/* What vCPUs that come will find there: pCPU 0 keeps house, too, which counts as one of them. */
static u64 load_to_expect(u32 pcpu)
{
    u64 load = __atomic_load_n(&runqs[pcpu].load, __ATOMIC_RELAXED);

    return pcpu == 0 ? load + FAIR_WEIGHT_DEFAULT : load;
}

u32 runq_least_loaded(const struct task *task, u32 first)
{
    u32 count = pcpu_count(), best = first;
    u64 least = UINT64_MAX;

    for (u32 i = 0; i < count && least != 0; i++) {
        u32 id = (first + i) % count;
        u64 cost = load_to_expect(id) << 1 | (pcpu_get(id)->node != task->node);

        if (cost < least && may_run_on(task, id)) {
            best = id;
            least = cost;
        }
    }
    return best;
}

u32 runq_idle_or_same(const struct task *task)
{
    u32 least = runq_least_loaded(task, task->pcpu);

    if (__atomic_load_n(&runqs[least].load, __ATOMIC_RELAXED) == 0 || !may_run_on(task, task->pcpu))
        return least;
    return task->pcpu;
}

struct runq *runq_move(struct runq *from, struct task *task, u32 pcpu)
{
    struct runq *to = &runqs[pcpu];

    __atomic_store_n(&task->pcpu, pcpu, __ATOMIC_SEQ_CST);
    spin_unlock(&from->lock);
    spin_lock(&to->lock);
    sched_enter(&to->ready, task, to->load == 0);
    return to;
}

/* Moves a vCPU that waits. Context: lock of its queue held. Return: false if none may go there, and
 * the lock is still held; or it is released. */
static bool move_waiting(struct runq *from, const struct sched_target *target)
{
    struct task *task = sched_pull(&from->ready, target);
    struct runq *to;

    if (task == NULL)
        return false;
    runq_drop_load(from, task);
    to = runq_move(from, task, target->pcpu);
    sched_add(&to->ready, task);
    runq_add_load(to, task);
    spin_unlock(&to->lock);
    return true;
}

bool runq_pull(void)
{
    const struct sched_target here = {.pcpu = this_pcpu()->id, .node = this_pcpu()->node};
    u32 count = pcpu_count();

    if (is_reserved(&runqs[here.pcpu]))
        return false;
    for (u32 i = 1; i < count; i++) {
        struct runq *rq = &runqs[(here.pcpu + i) % count];

        if (__atomic_load_n(&rq->ready.vcpus.count, __ATOMIC_RELAXED) == 0)
            continue;
        spin_lock(&rq->lock);
        if (move_waiting(rq, &here))
            return true;
        spin_unlock(&rq->lock);
    }
    return false;
}

/* -- balance between pCPUs that are all busy
 * ------------------------------------------------------------------------------------------------
 */

/* How far the vCPUs of another pCPU have come, to one of which ours could be added. Return: false
 * if it cannot, or none runs there. */
static bool see_clock(u32 pcpu, const struct sched_first *ours, struct sched_target *out)
{
    struct runq *rq = &runqs[pcpu];
    struct pcpu *p = pcpu_get(pcpu);

    if (__atomic_load_n(&rq->load, __ATOMIC_RELAXED) == 0 || !cpu_mask_has(&ours->allowed, pcpu) ||
        is_reserved(rq))
        return false;
    spin_lock(&rq->lock);
    runq_account(rq, p->current, time_ns());
    sched_forget(&rq->ready, p->current, ours);
    *out = (struct sched_target){.pcpu = pcpu, .node = p->node};
    out->is_busy = sched_least(&rq->ready, p->current, &out->least);
    spin_unlock(&rq->lock);
    return out->is_busy;
}

/* Of the next few pCPUs. Return: false if ours can be added to none of them. */
static bool find_furthest(struct runq *rq, const struct sched_first *ours,
                          struct sched_target *furthest)
{
    u32 count = pcpu_count();
    bool is_found = false;

    for (u32 i = 0; i < MIN(count - 1, RUNQ_BALANCE_TRIES); i++) {
        struct sched_target seen;

        rq->balance_next = rq->balance_next % (count - 1) + 1; /* 1..count - 1 from here */
        if (!see_clock((rq->idle.pcpu + rq->balance_next) % count, ours, &seen))
            continue;
        if (!is_found || (s64)(seen.least - furthest->least) > 0)
            *furthest = seen;
        is_found = true;
    }
    return is_found;
}

void runq_balance(struct runq *rq)
{
    struct sched_target furthest;
    struct sched_first ours;
    u64 now = time_ns();
    bool some_wait;

    if (now < rq->balance_ns || is_reserved(rq) ||
        __atomic_load_n(&rq->ready.vcpus.count, __ATOMIC_RELAXED) == 0)
        return;
    rq->balance_ns = now + RUNQ_BALANCE_NS;
    spin_lock(&rq->lock);
    some_wait = sched_first(&rq->ready, &ours);
    spin_unlock(&rq->lock);
    if (!some_wait || !find_furthest(rq, &ours, &furthest))
        return;
    spin_lock(&rq->lock);
    if (move_waiting(rq, &furthest))
        runq_resched(pcpu_get(furthest.pcpu)); /* it may have no slice under way */
    else
        spin_unlock(&rq->lock);
}

bool runq_let_pass(struct task *running, struct task *other)
{
    u32 me = running->pcpu;
    u64 flags;
    struct runq *rq = runq_lock_of(other, &flags);

    /* On its way from one queue to another it is in neither. */
    if (!may_run_on(other, me) || !sched_take(&rq->ready, other)) {
        spin_unlock_irqrestore(&rq->lock, flags);
        return false;
    }
    if (other->pcpu != me) {
        runq_drop_load(rq, other);
        sched_leave(&rq->ready, other);
        rq = runq_move(rq, other, me);
        runq_add_load(rq, other);
    }
    sched_add(&rq->ready, other);
    runq_account(rq, running, time_ns());
    sched_let_pass(&rq->ready, running, other);
    spin_unlock_irqrestore(&rq->lock, flags);
    return true;
}

void runq_offer(const struct runq *rq)
{
    const struct task *task;

    if (rq->ready.vcpus.root == NULL)
        return;
    task = container_of(rq->ready.vcpus.root, struct task, share);
    for (u32 i = 1; i <= pcpu_count(); i++) {
        u32 id = i % pcpu_count(); /* the one that keeps house comes last */
        struct pcpu *p = pcpu_get(id);

        if (__atomic_load_n(&p->idle_since_ns, __ATOMIC_RELAXED) != 0 && may_run_on(task, id)) {
            runq_resched(p);
            return;
        }
    }
}
