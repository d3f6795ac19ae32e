/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/kern/runq.c core/kern/sched.c core/kern/cpu_limit.c core/kern/fair_queue.c
 * core/kern/token_bucket.c core/lib/str.c tests/fakes/log.c
 */
/*
 * The run queues of four pCPUs, used as task.c uses them: vCPUs run, sleep, are woken from
 * anywhere, let one another pass, and move. Each is in one queue, with one pCPU or asleep, never
 * two of these.
 */
#include "core/kern/runq.h"
#include "core/kern/work.h"
#include "tests/race/race.h"

#define THREADS 4u
#define TASKS   24u
#define ROUNDS  20000u

static struct pcpu *pcpus[THREADS]; /* (a) */
static u64 clock_ns;                /* (a) */
static u32 finished;                /* (a) */
static struct task tasks[TASKS];
static u64 turns[TASKS]; /* by whoever runs the task, without lock: that is the question */
static u64 turns_of[THREADS];

struct pcpu *pcpu_get(u32 id)
{
    return id < THREADS ? __atomic_load_n(&pcpus[id], __ATOMIC_ACQUIRE) : NULL;
}

u32 pcpu_count(void)
{
    return THREADS;
}

u64 time_ns(void)
{
    return __atomic_add_fetch(&clock_ns, 100 * NS_PER_US, __ATOMIC_RELAXED);
}

void work_kick(u32 pcpu)
{
    (void)pcpu;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg};
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
    t->deadline_ns = deadline_ns; /* a slice ends whenever its thread thinks so */
}

/* Context: run-queue lock held, which is released. */
static void switch_away(struct runq *rq, u64 now)
{
    struct task *next = sched_pick(&rq->ready);

    __atomic_store_n(&this_pcpu()->remote.resched, 0, __ATOMIC_RELAXED);
    if (next == NULL)
        next = &rq->idle;
    next->state = TASK_RUNNING;
    next->since_ns = now;
    runq_begin_slice(rq, next, now);
    runq_offer(rq);
    this_pcpu()->current = next;
    spin_unlock(&rq->lock);
}

static void yield(struct runq *rq, struct task *me)
{
    u64 now;

    runq_balance(rq);
    spin_lock(&rq->lock);
    now = runq_end_run(rq, me);
    if (me != &rq->idle) {
        me->state = TASK_RUNNABLE;
        sched_add(&rq->ready, me);
    }
    switch_away(rq, now);
}

static void sleep_now(struct runq *rq, struct task *me)
{
    u64 now;

    spin_lock(&rq->lock);
    now = runq_end_run(rq, me);
    runq_drop_load(rq, me);
    me->state = TASK_WAITING;
    switch_away(rq, now);
}

static void wake(struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);

    if (task->state == TASK_WAITING) {
        u32 pcpu = runq_idle_or_same(task);

        task->state = TASK_RUNNABLE;
        if (pcpu != task->pcpu) {
            sched_leave(&rq->ready, task);
            rq = runq_move(rq, task, pcpu);
        }
        runq_account(rq, pcpu_get(pcpu)->current, time_ns());
        runq_add_load(rq, task);
        (void)sched_wake(&rq->ready, task, pcpu_get(pcpu)->current);
    }
    spin_unlock_irqrestore(&rq->lock, flags);
}

static void begin(u32 thread)
{
    this_pcpu()->is_online = true;
    runq_init();
    __atomic_store_n(&pcpus[thread], this_pcpu(), __ATOMIC_RELEASE);
    for (u32 i = 0; i < THREADS; i++) {
        while (pcpu_get(i) == NULL)
            cpu_pause();
    }
}

static void use_turn(u32 thread, struct runq *rq, struct task *me)
{
    turns[me - tasks]++;
    turns_of[thread]++;
    if (race_random() % 4 == 0)
        (void)runq_let_pass(me, &tasks[race_random() % TASKS]);
    if (race_random() % 3 == 0)
        sleep_now(rq, me);
    else
        yield(rq, me);
}

static void run(u32 thread)
{
    struct runq *rq;

    begin(thread);
    rq = runq_this();
    for (u32 i = 0; i < ROUNDS; i++) {
        struct task *me = this_pcpu()->current;

        wake(&tasks[race_random() % TASKS]);
        if (me != &rq->idle)
            use_turn(thread, rq, me);
        else if (runq_pull() || __atomic_load_n(&rq->ready.vcpus.count, __ATOMIC_RELAXED) != 0)
            yield(rq, me);
    }
    __atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) < THREADS) /* its pCPU may be looked at */
        cpu_pause();
}

TEST(vcpus_move_sleep_and_wake)
{
    u64 sum = 0, expected = 0;
    u32 found = 0;

    for (u32 i = 0; i < TASKS; i++) {
        tasks[i] = (struct task){.class = TASK_VCPU, .state = TASK_WAITING, .pcpu = i % THREADS};
        tasks[i].allowed.bits[0] = i % 5 == 0 ? 0x3 : 0xf;
        fair_node_init(&tasks[i].share, 100 * (1 + i % 3));
    }
    race_run(THREADS, run);
    for (u32 i = 0; i < THREADS; i++) {
        while (sched_pick(&runq_get(i)->ready) != NULL)
            found++;
        expected += turns_of[i];
    }
    for (u32 i = 0; i < TASKS; i++) {
        found += tasks[i].state == TASK_WAITING || tasks[i].state == TASK_RUNNING;
        sum += turns[i];
        CHECK(turns[i] > 0);
    }
    CHECK_EQ(found, TASKS);
    CHECK_EQ(sum, expected);
}
