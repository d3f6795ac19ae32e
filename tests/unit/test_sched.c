/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/sched.c core/kern/fair_queue.c */
/* The choice of the next task. */
#include "core/kern/sched.h"
#include "tests/unit/harness.h"

static struct task driver = {.class = TASK_DRIVER}, agent = {.class = TASK_AGENT};
static struct task vcpu = {.class = TASK_VCPU, .share.weight = FAIR_WEIGHT_DEFAULT};
static struct task agents[3] = {
    {.class = TASK_AGENT}, {.class = TASK_AGENT}, {.class = TASK_AGENT}};

TEST(classes_are_strict)
{
    struct sched_queue q;

    sched_init(&q);
    CHECK(sched_pick(&q) == NULL);
    sched_add(&q, &vcpu);
    sched_add(&q, &agent);
    sched_add(&q, &driver);
    CHECK(sched_pick(&q) == &driver);
    CHECK(sched_pick(&q) == &agent);
    CHECK(sched_pick(&q) == &vcpu);
    CHECK(sched_pick(&q) == NULL);
}

TEST(round_robin_inside_a_class)
{
    struct sched_queue q;

    sched_init(&q);
    for (unsigned i = 0; i < 3; i++)
        sched_add(&q, &agents[i]);
    for (unsigned turn = 0; turn < 9; turn++) {
        struct task *t = sched_pick(&q);

        CHECK(t == &agents[turn % 3]);
        sched_add(&q, t);
    }
}

TEST(a_flood_of_one_class_does_not_shut_out_the_next)
{
    unsigned agent_runs = 0, vcpu_runs = 0;
    struct sched_queue q;

    sched_init(&q);
    sched_add(&q, &driver);
    sched_add(&q, &agent);
    sched_add(&q, &vcpu);
    for (unsigned i = 0; i < 1000; i++) {
        struct task *t = sched_pick(&q);

        agent_runs += t == &agent;
        vcpu_runs += t == &vcpu;
        sched_add(&q, t);
    }
    CHECK(agent_runs >= 1000 / (SCHED_PATIENCE + 3));
    CHECK(vcpu_runs >= 1000 / (SCHED_PATIENCE + 3));
    CHECK(agent_runs + vcpu_runs < 200);
}

TEST(a_better_or_equal_class_goes_first_when_it_wakes)
{
    struct sched_queue q;

    sched_init(&q);
    CHECK(sched_wake(&q, &driver, &vcpu));
    CHECK(sched_wake(&q, &agents[0], &agent));
    CHECK(!sched_wake(&q, &vcpu, &agent));
    CHECK(!sched_wake(&q, &agents[1], &driver));
}

TEST(who_would_wait)
{
    struct sched_queue q;

    sched_init(&q);
    CHECK(!sched_has_same_or_better(&q, TASK_VCPU));
    sched_add(&q, &agent);
    CHECK(sched_has_same_or_better(&q, TASK_VCPU));
    CHECK(sched_has_same_or_better(&q, TASK_AGENT));
    CHECK(!sched_has_same_or_better(&q, TASK_DRIVER));
}
