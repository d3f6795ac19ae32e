/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOURCES: core/kern/sched.c core/kern/cpu_limit.c core/kern/fair_queue.c core/kern/token_bucket.c
 * core/lib/str.c
 */
/*
 * vCPUs over many pCPUs, on a clock of their own: the real run queues, with this file in the place
 * of task.c, whose steps it takes in the same order.
 */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "core/kern/runq.c" /* locks change hands between it and this file */

#define VCPUS 10000u
#define STEP  (SCHED_SLICE_NS / 2)

static struct pcpu pcpus[PCPUS_MAX];
static u32 pcpus_used;
static struct task tasks[VCPUS];
static u32 tasks_used;
static u64 nap_every_ns[VCPUS]; /* runs so long, then sleeps; 0: never */
static u64 nap_ns[VCPUS];
static u64 nap_starts_ns[VCPUS]; /* in run time */
static u64 nap_ends_ns[VCPUS];
static u64 clock_ns, moves;
struct pcpu *fake_this_pcpu;

/* -- what the run queues call */

struct pcpu *pcpu_get(u32 id)
{
    return id < pcpus_used ? &pcpus[id] : NULL;
}

u32 pcpu_count(void)
{
    return pcpus_used;
}

u64 time_ns(void)
{
    return clock_ns;
}

void work_kick(u32 pcpu)
{
    (void)pcpu; /* every pCPU looks at its flag at every step */
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg};
}

void timer_arm(struct timer *t, u64 deadline_ns)
{
    t->deadline_ns = deadline_ns;
    t->armed = true;
}

/* -- what task.c does */

static void switch_away(struct runq *rq)
{
    struct pcpu *p = fake_this_pcpu;
    struct task *next = sched_pick(&rq->ready);

    p->remote.resched = 0;
    if (next == NULL)
        next = &rq->idle;
    next->state = TASK_RUNNING;
    next->since_ns = clock_ns;
    runq_begin_slice(rq, next, clock_ns);
    runq_offer(rq);
    moves += next != &rq->idle && next->stack != p; /* it has come from elsewhere */
    next->stack = p;
    p->current = next;
    p->idle_since_ns = next == &rq->idle ? clock_ns + 1 : 0;
    spin_unlock(&rq->lock);
}

static void yield(void)
{
    struct runq *rq = runq_this();
    struct task *me = fake_this_pcpu->current;

    runq_balance(rq);
    spin_lock(&rq->lock);
    (void)runq_end_run(rq, me);
    if (me != &rq->idle) {
        me->state = TASK_RUNNABLE;
        sched_add(&rq->ready, me);
    }
    switch_away(rq);
}

static void nap(struct task *me)
{
    struct runq *rq = runq_this();

    spin_lock(&rq->lock);
    (void)runq_end_run(rq, me);
    runq_drop_load(rq, me);
    me->state = TASK_WAITING;
    switch_away(rq);
}

static void wake(struct task *task)
{
    u64 flags;
    struct runq *rq = runq_lock_of(task, &flags);
    u32 pcpu = runq_idle_or_same(task);
    struct task *running;

    task->state = TASK_RUNNABLE;
    if (pcpu != task->pcpu) {
        sched_leave(&rq->ready, task);
        rq = runq_move(rq, task, pcpu);
    }
    running = pcpus[pcpu].current;
    runq_account(rq, running, clock_ns);
    task->since_ns = clock_ns;
    runq_add_load(rq, task);
    if (sched_wake(&rq->ready, task, running) ||
        (running->class == TASK_VCPU && rq->slice_end_ns <= clock_ns))
        runq_resched(&pcpus[pcpu]);
    spin_unlock(&rq->lock);
}

/* -- the machine */

static void make_machine(u32 count)
{
    pcpus_used = count;
    tasks_used = 0;
    clock_ns = moves = 0;
    memset(pcpus, 0, sizeof(pcpus));
    for (u32 i = 0; i < count; i++) {
        fake_this_pcpu = &pcpus[i];
        *fake_this_pcpu = (struct pcpu){.id = i, .is_online = true, .idle_since_ns = 1};
        *runq_get(i) = (struct runq){.load = 0};
        runq_init();
    }
}

/* On the first of the pCPUs allowed. */
static u32 add_vcpu(u32 weight, u32 first_pcpu, u32 last_pcpu)
{
    struct task *task = &tasks[tasks_used];
    struct runq *rq = runq_get(first_pcpu);

    *task = (struct task){.class = TASK_VCPU, .state = TASK_RUNNABLE, .pcpu = first_pcpu};
    for (u32 i = first_pcpu; i <= last_pcpu; i++)
        cpu_mask_add(&task->allowed, i);
    fair_node_init(&task->share, weight);
    nap_every_ns[tasks_used] = 0;
    spin_lock(&rq->lock);
    sched_join(&rq->ready, task);
    runq_add_load(rq, task);
    sched_add(&rq->ready, task);
    spin_unlock(&rq->lock);
    runq_resched(&pcpus[first_pcpu]);
    return tasks_used++;
}

static void add_sleeper(u32 weight, u32 first_pcpu, u32 last_pcpu, u64 runs_ns, u64 sleeps_ns)
{
    u32 v = add_vcpu(weight, first_pcpu, last_pcpu);

    nap_every_ns[v] = nap_starts_ns[v] = runs_ns;
    nap_ns[v] = sleeps_ns;
}

static void step_pcpu(struct pcpu *p)
{
    struct runq *rq = runq_get(p->id);
    struct task *me = p->current;
    u64 v = (u64)(me - tasks);

    fake_this_pcpu = p;
    if (rq->slice.armed && rq->slice.deadline_ns <= clock_ns) {
        rq->slice.armed = false;
        rq->slice.fn(rq->slice.arg);
    }
    if (me != &rq->idle && nap_every_ns[v] != 0 &&
        me->run_ns + clock_ns - me->since_ns >= nap_starts_ns[v]) {
        nap_ends_ns[v] = clock_ns + nap_ns[v];
        nap(me);
        nap_starts_ns[v] = me->run_ns + nap_every_ns[v];
    } else if (p->remote.resched != 0 || (me == &rq->idle && runq_pull())) {
        yield();
    }
}

static void run_for(u64 ns)
{
    for (u64 end = clock_ns + ns; clock_ns < end; clock_ns += STEP) {
        for (u32 v = 0; v < tasks_used; v++) {
            if (nap_every_ns[v] != 0 && tasks[v].state == TASK_WAITING &&
                nap_ends_ns[v] <= clock_ns)
                wake(&tasks[v]);
        }
        for (u32 i = 0; i < pcpus_used; i++)
            step_pcpu(&pcpus[i]);
    }
    for (u32 i = 0; i < pcpus_used; i++) {
        fake_this_pcpu = &pcpus[i];
        runq_account(runq_get(i), pcpus[i].current, clock_ns);
    }
}

static void reset_accounts(void)
{
    moves = 0;
    for (u32 v = 0; v < tasks_used; v++) {
        nap_starts_ns[v] = nap_every_ns[v];
        tasks[v].run_ns = 0;
    }
}

/* Run time of a vCPU in so much time: in CPUs. */
static double cpus_of(u32 v, u64 window_ns)
{
    return (double)tasks[v].run_ns / (double)window_ns;
}

static bool is_within(double a, double b, double percent)
{
    return a >= b * (1 - percent / 100) && a <= b * (1 + percent / 100);
}

TEST(three_equals_on_two_cpus)
{
    u64 window = 8 * NS_PER_S;

    make_machine(2);
    for (u32 v = 0; v < 3; v++)
        (void)add_vcpu(FAIR_WEIGHT_DEFAULT, 0, 1);
    run_for(window);
    for (u32 v = 0; v < 3; v++)
        CHECK(is_within(cpus_of(v, window), 2.0 / 3, 1));
    CHECK(moves < window / (20 * NS_PER_MS)); /* a cache is of use for a while */
}

TEST(weights_count_over_all_cpus_up_to_a_whole_one)
{
    static const u32 weights[] = {100, 200, 200, 100, 200, 400, 1, 10000, 10000, 10000};
    static const double due[] = {0.4, 0.8, 0.8, 1.0 / 3, 2.0 / 3, 1, 0, 2.0 / 3, 2.0 / 3, 2.0 / 3};
    u64 window = 60 * NS_PER_S;

    for (u32 first = 0; first < ARRAY_SIZE(weights); first += tasks_used) {
        make_machine(2);
        for (u32 i = 0; i < (first < 6 ? 3 : 4); i++)
            (void)add_vcpu(weights[first + i], 0, 1);
        run_for(window);
        for (u32 v = 0; v < tasks_used; v++) {
            double share = cpus_of(v, window);

            CHECK(due[first + v] > 0 ? is_within(share, due[first + v], 1) : share < 0.001);
        }
    }
}

/* The pinned one leaves the others what remains of its CPU; nobody goes where it may not. */
TEST(pins_hold)
{
    u64 window = 20 * NS_PER_S;

    make_machine(3);
    (void)add_vcpu(FAIR_WEIGHT_DEFAULT, 0, 0);
    for (u32 v = 1; v < 4; v++)
        (void)add_vcpu(FAIR_WEIGHT_DEFAULT, 0, 1);
    run_for(window);
    for (u32 v = 0; v < 4; v++)
        CHECK(is_within(cpus_of(v, window), 0.5, 1));
    CHECK_EQ(tasks[0].pcpu, 0);
    CHECK(pcpus[2].current == &runq_get(2)->idle);
}

TEST(a_reserved_cpu_is_left_alone)
{
    make_machine(3);
    runq_get(2)->is_reserved = true;
    for (u32 v = 0; v < 3; v++)
        (void)add_vcpu(FAIR_WEIGHT_DEFAULT, 0, 2);
    run_for(8 * NS_PER_S);
    for (u32 v = 0; v < 3; v++)
        CHECK(is_within(cpus_of(v, 8 * NS_PER_S), 2.0 / 3, 1));
    CHECK(pcpus[2].current == &runq_get(2)->idle);
}

/* A heavy one had a CPU for itself, far behind its share, for a minute. When it is joined by others
 * that minute is no debt. */
TEST(what_could_not_be_had_is_not_owed)
{
    u64 before[4], window = 10 * NS_PER_S;

    make_machine(2);
    (void)add_vcpu(1000, 0, 1);
    (void)add_vcpu(100, 0, 1);
    (void)add_vcpu(100, 0, 1);
    run_for(60 * NS_PER_S);
    CHECK(is_within(cpus_of(0, 60 * NS_PER_S), 1, 1));
    tasks[0].share.weight = 100;
    (void)add_vcpu(100, tasks[0].pcpu, tasks[0].pcpu);
    for (u32 v = 0; v < 4; v++)
        before[v] = tasks[v].run_ns;
    run_for(window);
    for (u32 v = 0; v < 4; v++)
        CHECK(is_within((double)(tasks[v].run_ns - before[v]) / (double)window, 0.5, 3));
}

/* All start on eight pCPUs; idle ones fetch them, busy ones even them out; a tenth sleep and wake
 * all the time. */
TEST(ten_thousand_vcpus_on_256_pcpus_share_by_weight)
{
    static const u32 kinds[] = {100, 200, 400, 1000};
    u64 window = 100 * NS_PER_S, ran[ARRAY_SIZE(kinds)] = {0}, all_ran = 0, weights = 0;
    double worst_ns = 0;
    u32 v;

    srand(1);
    make_machine(256);
    for (v = 0; v < VCPUS / 10; v++)
        add_sleeper(100, v % 8, 255, (1 + (u64)rand() % 4) * NS_PER_MS, NS_PER_S);
    for (; v < VCPUS; v++)
        (void)add_vcpu(kinds[v % ARRAY_SIZE(kinds)], v % 8, 255);
    run_for(60 * NS_PER_S);
    reset_accounts();
    run_for(window);
    for (v = VCPUS / 10; v < VCPUS; v++) {
        ran[v % ARRAY_SIZE(kinds)] += tasks[v].run_ns;
        all_ran += tasks[v].run_ns;
        weights += tasks[v].share.weight;
    }
    for (v = VCPUS / 10; v < VCPUS; v++) {
        double due = (double)all_ran * tasks[v].share.weight / (double)weights;
        double wrong = (double)tasks[v].run_ns - due;

        worst_ns = MAX(worst_ns, wrong < 0 ? -wrong : wrong);
    }
    CHECK(worst_ns < 2 * SCHED_LAG_NS); /* however long it runs */
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
        CHECK(is_within((double)ran[i] * 17, (double)all_ran * kinds[i] / 100, 0.5));
    CHECK(all_ran > window / 100 * 98 * 256);
    CHECK(moves < 2 * 256 * (window / NS_PER_S)); /* two for each pCPU and second */
}
