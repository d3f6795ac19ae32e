/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/sched.c core/kern/token_bucket.c core/kern/cpu_limit.c */
/* Shares by weight and limits, on simulated pCPUs with a clock of their own. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

static uint64_t comparisons;
#define FAIR_COMPARED() (comparisons++)
#include "core/kern/fair_queue.c"

#include "core/kern/sched.h"

#define PCPUS 256u
#define VCPUS 10000u

static struct task tasks[VCPUS];
static struct sched_queue queues[PCPUS];

static void make_vcpu(struct task *task, u32 weight)
{
    *task = (struct task){.class = TASK_VCPU};
    fair_node_init(&task->share, weight);
}

static void enter(struct sched_queue *q, struct task *task)
{
    sched_join(q, task);
    sched_add(q, task);
}

/* One turn of who is next. Return: who. */
static struct task *turn(struct sched_queue *q, u64 ran_ns)
{
    struct task *task = sched_pick(q);

    task->run_ns += ran_ns;
    sched_charge(q, task, ran_ns);
    sched_add(q, task);
    return task;
}

/* True if a differs from b by at most so many percent of b. */
static bool is_within(double a, double b, double percent)
{
    return a >= b * (1 - percent / 100) && a <= b * (1 + percent / 100);
}

TEST(equals_take_turns)
{
    struct sched_queue *q = &queues[0];

    sched_init(q);
    for (unsigned i = 0; i < 3; i++) {
        make_vcpu(&tasks[i], FAIR_WEIGHT_DEFAULT);
        enter(q, &tasks[i]);
    }
    for (unsigned i = 0; i < 9; i++)
        CHECK(turn(q, SCHED_SLICE_NS) == &tasks[i % 3]);
}

TEST(extreme_weights_share_exactly)
{
    struct sched_queue *q = &queues[0];

    sched_init(q);
    make_vcpu(&tasks[0], FAIR_WEIGHT_MIN);
    make_vcpu(&tasks[1], FAIR_WEIGHT_MAX);
    enter(q, &tasks[0]);
    enter(q, &tasks[1]);
    for (unsigned i = 0; i < 1000000; i++)
        (void)turn(q, 12345);
    CHECK(is_within((double)tasks[0].run_ns * 10000, (double)tasks[1].run_ns, 2));
}

static u32 pcpu_of[VCPUS];
static u64 weights[PCPUS];

/* Each vCPU to the pCPU of the least weight. */
static void place_all(void)
{
    static const u32 kinds[] = {100, 200, 400, 1000};

    memset(weights, 0, sizeof(weights));
    for (u32 p = 0; p < PCPUS; p++)
        sched_init(&queues[p]);
    for (u32 v = 0; v < VCPUS; v++) {
        u32 best = 0;

        make_vcpu(&tasks[v], kinds[v % ARRAY_SIZE(kinds)]);
        for (u32 p = 1; p < PCPUS; p++) {
            if (weights[p] < weights[best])
                best = p;
        }
        pcpu_of[v] = best;
        weights[best] += tasks[v].share.weight;
        enter(&queues[best], &tasks[v]);
    }
}

/* 10,000 vCPUs that always want to run on 256 pCPUs; slices end early at random. */
TEST(shares_follow_weights_for_ten_thousand_vcpus)
{
    u64 ran[PCPUS] = {0};
    u64 turns = 0, worst = 0;
    bool all_right = true;

    srand(1);
    place_all();
    for (u32 p = 0; p < PCPUS; p++) {
        while (ran[p] < 60 * NS_PER_S) {
            u64 ns = SCHED_SLICE_NS / 4 + (u64)rand() % SCHED_SLICE_NS, before = comparisons;

            (void)turn(&queues[p], ns);
            ran[p] += ns;
            turns++;
            worst = MAX(worst, comparisons - before);
        }
    }
    for (u32 v = 0; v < VCPUS; v++) {
        u32 p = pcpu_of[v];
        double due = (double)ran[p] * tasks[v].share.weight / (double)weights[p];

        all_right = all_right && is_within((double)tasks[v].run_ns, due, 2);
    }
    CHECK(all_right);
    CHECK(turns > 1000000);
    CHECK(worst <= 3 * 7); /* about 40 wait on each: 2 log2(n) to take, log2(n) to add */
}

/* No more comparisons than the logarithm allows, however many wait and in whatever order. */
TEST(a_pick_costs_a_logarithm)
{
    struct sched_queue *q = &queues[0];
    u64 worst = 0, sum = 0;

    srand(2);
    sched_init(q);
    for (u32 v = 0; v < VCPUS; v++) {
        make_vcpu(&tasks[v], 1 + (u32)rand() % FAIR_WEIGHT_MAX);
        enter(q, &tasks[v]);
    }
    for (u32 i = 0; i < 200000; i++) {
        u64 before = comparisons;

        (void)turn(q, 1 + (u64)rand() % SCHED_SLICE_NS);
        worst = MAX(worst, comparisons - before);
        sum += comparisons - before;
    }
    CHECK(worst <= 3 * 14); /* log2(10,000) < 14 */
    CHECK(sum / 200000 <= 2 * 14);
}

TEST(taken_in_order_whatever_the_order_of_arrival)
{
    struct fair_queue q;
    u64 last = 0;
    bool is_sorted = true;

    srand(3);
    fair_init(&q);
    for (u32 v = 0; v < VCPUS; v++) {
        make_vcpu(&tasks[v], FAIR_WEIGHT_DEFAULT);
        fair_charge(&tasks[v].share, (u64)rand() % 1000);
        fair_add(&q, &tasks[v].share);
    }
    CHECK_EQ(q.count, VCPUS);
    for (u32 v = 0; v < VCPUS; v++) {
        struct fair_node *node = fair_take(&q);

        is_sorted = is_sorted && node->vtime >= last;
        last = node->vtime;
    }
    CHECK(is_sorted && fair_take(&q) == NULL && q.count == 0);
}

/* It is away while the other runs for a minute; back, it gets a slice in advance and no more. */
TEST(a_sleeper_saves_up_one_slice)
{
    struct sched_queue *q = &queues[0];
    struct task *runner = &tasks[0], *sleeper = &tasks[1];
    unsigned in_a_row = 0;

    sched_init(q);
    make_vcpu(runner, FAIR_WEIGHT_DEFAULT);
    make_vcpu(sleeper, FAIR_WEIGHT_DEFAULT);
    enter(q, runner);
    sched_join(q, sleeper);
    CHECK(sched_pick(q) == runner);
    sched_charge(q, runner, 60 * NS_PER_S);
    CHECK(sched_wake(q, sleeper, runner)); /* and it goes first */
    sched_add(q, runner);
    while (turn(q, NS_PER_MS) == sleeper)
        in_a_row++;
    CHECK_EQ(in_a_row, SCHED_SLICE_NS / NS_PER_MS);
}

/* Who runs a little and sleeps a little is served at once, but gets no more than its share. */
TEST(sleeping_is_no_way_to_a_larger_share)
{
    struct sched_queue *q = &queues[0];
    struct task *runner = &tasks[0], *sleeper = &tasks[1];
    bool is_asleep = true;
    u64 now = 0;

    sched_init(q);
    make_vcpu(runner, 300);
    make_vcpu(sleeper, 100);
    enter(q, runner);
    sched_join(q, sleeper);
    while (now < 100 * NS_PER_S) {
        struct task *task = sched_pick(q);

        sched_charge(q, task, NS_PER_MS);
        task->run_ns += NS_PER_MS;
        now += NS_PER_MS;
        if (task == runner) {
            if (is_asleep)
                (void)sched_wake(q, sleeper, runner);
            sched_add(q, runner);
        }
        is_asleep = task == sleeper;
    }
    CHECK((double)sleeper->run_ns <= 0.255 * (double)now);
    CHECK((double)sleeper->run_ns >= 0.24 * (double)now);
}

TEST(a_wake_up_just_behind_does_not_preempt)
{
    struct sched_queue *q = &queues[0];

    sched_init(q);
    make_vcpu(&tasks[0], FAIR_WEIGHT_DEFAULT);
    make_vcpu(&tasks[1], FAIR_WEIGHT_DEFAULT);
    enter(q, &tasks[0]);
    sched_join(q, &tasks[1]);
    CHECK(sched_pick(q) == &tasks[0]);
    sched_charge(q, &tasks[0], SCHED_GRANULARITY_NS - 1);
    CHECK(!sched_wake(q, &tasks[1], &tasks[0]));
    CHECK(sched_pick(q) == &tasks[1]);
    sched_charge(q, &tasks[0], 1);
    CHECK(sched_wake(q, &tasks[1], &tasks[0]));
}

/* On the common scale, within the cap; and an idle queue's clock follows. */
TEST(virtual_time_moves_with_a_task_to_another_queue)
{
    struct fair_queue busy, other;
    struct fair_node *node = &tasks[0].share;

    fair_init(&busy);
    fair_init(&other);
    make_vcpu(&tasks[0], 2 * FAIR_WEIGHT_DEFAULT);
    busy.floor = NS_PER_S;
    fair_join(&busy, node);
    fair_charge(node, 500);
    fair_leave(&busy, node);
    fair_enter(&other, node, true);
    CHECK_EQ(node->vtime + other.offset, NS_PER_S + 250);
    CHECK_EQ(fair_clock(&other), NS_PER_S + 250);
    other.floor += 1000;
    fair_leave(&other, node);
    fair_enter(&busy, node, false);
    CHECK_EQ(node->vtime, NS_PER_S + 250);
    other.floor += 3600 * NS_PER_S;
    fair_leave(&busy, node);
    fair_enter(&other, node, false);
    CHECK_EQ(node->vtime, other.floor - FAIR_CAP_NS / 2);
    other.offset += 3600 * NS_PER_S;
    fair_leave(&other, node);
    fair_enter(&busy, node, false);
    CHECK_EQ(node->vtime, busy.floor + FAIR_CAP_NS / 2);
}

TEST(an_idle_cpu_fetches_who_may_go_there)
{
    struct sched_queue *q = &queues[0];
    struct sched_target here = {.pcpu = 255};

    sched_init(q);
    for (unsigned i = 0; i <= SCHED_PULL_TRIES; i++) {
        make_vcpu(&tasks[i], FAIR_WEIGHT_DEFAULT);
        cpu_mask_add(&tasks[i].allowed, 1);
        sched_join(q, &tasks[i]);
        fair_charge(&tasks[i].share, i);
        sched_add(q, &tasks[i]);
    }
    cpu_mask_add(&tasks[2].allowed, 255);
    CHECK(sched_pull(q, &(struct sched_target){.pcpu = 0}) == NULL);
    CHECK(sched_pull(q, &here) == &tasks[2]);
    CHECK(sched_pull(q, &here) == NULL);
    cpu_mask_add(&tasks[SCHED_PULL_TRIES].allowed, 200);
    CHECK(sched_pull(q, &(struct sched_target){.pcpu = 200}) == &tasks[SCHED_PULL_TRIES]);
    CHECK(sched_pull(q, &(struct sched_target){.pcpu = 1}) == &tasks[0]);
    CHECK(sched_pick(q) == &tasks[1]);
}

TEST(a_busy_cpu_gets_who_is_behind_it)
{
    struct sched_queue *q = &queues[0];
    struct sched_target there = {.pcpu = 1, .node = 0, .is_busy = true};
    struct task *task = &tasks[0];

    sched_init(q);
    make_vcpu(task, 2 * FAIR_WEIGHT_DEFAULT);
    cpu_mask_add(&task->allowed, 1);
    enter(q, task);
    there.least = SCHED_LAG_NS / 2 - 1;
    CHECK(sched_pull(q, &there) == NULL);
    there.least++;
    there.node = 1; /* far from its memory */
    CHECK(sched_pull(q, &there) == NULL);
    there.least = SCHED_FAR_LAG_NS / 2;
    CHECK(sched_pull(q, &there) == task);

    /* What has come apart for hours is no debt, neither for who goes nor for who stays. */
    sched_enter(q, task, true);
    sched_add(q, task);
    there.least = 3600 * NS_PER_S;
    CHECK(sched_pull(q, &there) == task);
    CHECK_EQ(task->share.vtime, there.least - FAIR_CAP_NS / 2);
    CHECK_EQ(fair_clock(&q->vcpus), there.least - FAIR_CAP_NS / 2);
}

TEST(any_node_can_be_taken_out)
{
    struct fair_queue q;
    u64 last = 0, worst = 0;
    bool is_sorted = true;

    srand(4);
    fair_init(&q);
    for (u32 v = 0; v < VCPUS; v++) {
        make_vcpu(&tasks[v], FAIR_WEIGHT_DEFAULT);
        fair_charge(&tasks[v].share, (u64)rand() % 100000);
        fair_add(&q, &tasks[v].share);
    }
    for (u32 v = 0; v < VCPUS; v += 2) {
        u64 before = comparisons;

        fair_remove(&q, &tasks[v].share);
        worst = MAX(worst, comparisons - before);
    }
    CHECK(worst <= 2 * 14);
    CHECK_EQ(q.count, VCPUS / 2);
    for (u32 v = 0; v < VCPUS / 2; v++) {
        struct fair_node *node = fair_take(&q);
        u64 index = (u64)(container_of(node, struct task, share) - tasks);

        is_sorted = is_sorted && node->vtime >= last && index % 2 == 1;
        last = node->vtime;
    }
    CHECK(is_sorted && fair_take(&q) == NULL);
}

TEST(a_node_lets_another_pass)
{
    make_vcpu(&tasks[0], FAIR_WEIGHT_DEFAULT);
    make_vcpu(&tasks[1], FAIR_WEIGHT_DEFAULT);
    fair_charge(&tasks[1].share, 100);
    fair_let_pass(&tasks[0].share, &tasks[1].share);
    CHECK(tasks[0].share.vtime == 100 && tasks[1].share.vtime == 0);
    fair_let_pass(&tasks[0].share, &tasks[1].share); /* it goes first anyway */
    CHECK(tasks[0].share.vtime == 100 && tasks[1].share.vtime == 0);
}

TEST(times_may_wrap)
{
    struct sched_queue *q = &queues[0];

    sched_init(q);
    q->vcpus.floor = ~0ull - NS_PER_S;
    for (unsigned i = 0; i < 2; i++) {
        make_vcpu(&tasks[i], FAIR_WEIGHT_DEFAULT);
        enter(q, &tasks[i]);
    }
    for (unsigned i = 0; i < 1000; i++)
        CHECK(turn(q, SCHED_SLICE_NS) == &tasks[i % 2]);
    CHECK(q->vcpus.floor < 2 * NS_PER_S);
}

/* So many vCPUs, each on a pCPU of its own, with one limit among them: what they get in ten
 * seconds. Each overruns its chunk by a little, as a VM exit does. */
static u64 run_limited(u32 millicpu, u32 vcpus)
{
    struct token_bucket b;
    u64 busy_until[64] = {0}, used = 0;
    const u64 step = 10 * NS_PER_US, overrun = 7 * NS_PER_US;

    token_bucket_init(&b, millicpu, 0);
    for (u64 now = 0; now < 10 * NS_PER_S; now += step) {
        for (u32 v = 0; v < vcpus; v++) {
            u64 taken;

            if (now < busy_until[v])
                continue;
            taken = token_bucket_take(&b, now);
            if (taken == 0)
                continue;
            token_bucket_settle(&b, 0, overrun);
            busy_until[v] = now + taken + overrun;
            used += taken + overrun;
        }
    }
    return used;
}

TEST(limits_hold_and_are_reached)
{
    CHECK(is_within((double)run_limited(250, 1), 2.5 * NS_PER_S, 2));
    CHECK(is_within((double)run_limited(250, 8), 2.5 * NS_PER_S, 2));
    CHECK(is_within((double)run_limited(900, 1), 9.0 * NS_PER_S, 2));
    CHECK(is_within((double)run_limited(1500, 4), 15.0 * NS_PER_S, 2));
    CHECK(is_within((double)run_limited(10, 1), 0.1 * NS_PER_S, 2));
    CHECK(is_within((double)run_limited(4000, 4), 40.0 * NS_PER_S, 2));
}

TEST(what_was_not_used_of_a_limit_goes_back_but_is_not_saved_up)
{
    struct token_bucket b;
    u64 now = 0, got = 0, taken;

    token_bucket_init(&b, 100, now);
    taken = token_bucket_take(&b, now);
    token_bucket_settle(&b, taken, 0);
    now += 3600 * NS_PER_S;
    while ((taken = token_bucket_take(&b, now)) != 0)
        got += taken;
    CHECK(got <= TOKEN_PERIOD_NS / 10);
    CHECK(got + TOKEN_CHUNK_NS > TOKEN_PERIOD_NS / 10);
}

TEST(a_new_rate_counts_from_now_on)
{
    struct token_bucket b;

    token_bucket_init(&b, 100, 0);
    token_bucket_settle(&b, 0, TOKEN_PERIOD_NS / 10); /* empty */
    token_bucket_set_rate(&b, 1000, 20 * NS_PER_MS);  /* 2 ms have flowed in */
    CHECK_EQ(token_bucket_ready_ns(&b, 20 * NS_PER_MS), 23 * NS_PER_MS);
    token_bucket_set_rate(&b, 10, 100 * NS_PER_S);
    CHECK_EQ(token_bucket_take(&b, 100 * NS_PER_S), TOKEN_PERIOD_NS / 100);
    CHECK_EQ(token_bucket_take(&b, 100 * NS_PER_S), 0);
}

TEST(a_limit_goes_on_and_off)
{
    struct cpu_limit limit;

    CHECK(!cpu_limit_is_on(NULL));
    cpu_limit_init(&limit, 0, 0);
    CHECK(!cpu_limit_is_on(&limit));
    CHECK(cpu_limit_take(&limit, 0) != 0); /* just turned off: nothing is held back */
    cpu_limit_settle(&limit, 0, NS_PER_S);
    CHECK_EQ(cpu_limit_ready_ns(&limit, 1), 1);
    cpu_limit_set(&limit, 10, 2);
    CHECK(cpu_limit_is_on(&limit));
    CHECK_EQ(cpu_limit_take(&limit, 2), TOKEN_PERIOD_NS / 100); /* full, without a debt */
    CHECK_EQ(cpu_limit_take(&limit, 2), 0);
    CHECK(cpu_limit_ready_ns(&limit, 2) > 2);
    cpu_limit_set(&limit, 0, 3);
    CHECK_EQ(cpu_limit_ready_ns(&limit, 3), 3);
}

TEST(a_debt_is_waited_for)
{
    struct token_bucket b;
    u64 ready;

    token_bucket_init(&b, 500, 0);
    token_bucket_settle(&b, 0, TOKEN_PERIOD_NS / 2 + 10 * NS_PER_MS);
    ready = token_bucket_ready_ns(&b, 0);
    CHECK_EQ(ready, 2 * (10 * NS_PER_MS + TOKEN_CHUNK_NS));
    CHECK_EQ(token_bucket_take(&b, ready - 2), 0);
    CHECK_EQ(token_bucket_take(&b, ready), TOKEN_CHUNK_NS);
    CHECK_EQ(token_bucket_ready_ns(&b, ready), ready + 2 * TOKEN_CHUNK_NS);
}
