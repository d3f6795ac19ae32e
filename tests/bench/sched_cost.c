/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: core/kern/sched.c */
/*
 * What the scheduler's choice costs as vCPUs grow: comparisons for picking one, running it and
 * adding it again, with so many waiting on one pCPU. `make bench` prints them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t comparisons;
#define FAIR_COMPARED() (comparisons++)
#include "core/kern/fair_queue.c"

#include "core/kern/sched.h"

#define VCPUS_MAX 10000u
#define TURNS     100000u

static struct task tasks[VCPUS_MAX];

/* Weights and run times at random, the same in every run. */
static void measure(u32 vcpus)
{
    struct sched_queue q;
    u64 worst = 0;

    srand(1);
    sched_init(&q);
    for (u32 v = 0; v < vcpus; v++) {
        tasks[v] = (struct task){.class = TASK_VCPU};
        fair_node_init(&tasks[v].share, 1 + (u32)rand() % FAIR_WEIGHT_MAX);
        sched_join(&q, &tasks[v]);
        sched_add(&q, &tasks[v]);
    }
    comparisons = 0;
    for (u32 i = 0; i < TURNS; i++) {
        u64 before = comparisons;
        struct task *task = sched_pick(&q);

        sched_charge(&q, task, 1 + (u64)rand() % SCHED_SLICE_NS);
        sched_add(&q, task);
        worst = MAX(worst, comparisons - before);
    }
    printf("%u %.2f %llu\n", vcpus, (double)comparisons / TURNS, (unsigned long long)worst);
}

int main(void)
{
    for (u32 vcpus = 1; vcpus <= VCPUS_MAX; vcpus *= 10)
        measure(vcpus);
    return 0;
}
