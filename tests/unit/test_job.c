/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/job.c core/lib/str.c */
/* Tasks are found, end once, and make room for new ones; those that run are never pushed out. */
#include "tests/unit/harness.h"

#include <string.h>

#include "mgmt/job.h"

static struct job_table table;

static struct job *begin(const char *kind, u32 vm)
{
    return job_begin(&table, &(struct job){.kind = kind, .vm = vm, .state = JOB_FAILED});
}

TEST(jobs_run_and_end)
{
    struct job *job;

    memset(&table, 0, sizeof table);
    CHECK(job_after(&table, 0) == NULL);
    CHECK(job_find(&table, 0) == NULL);
    job = begin("vm.shutdown", 7);
    CHECK(job && job->id == 1 && job->state == JOB_RUNNING);
    CHECK(job_running(&table, "vm.shutdown", 7) == job);
    CHECK(job_running(&table, "vm.shutdown", 8) == NULL);
    CHECK(job_running(&table, "vm.reset", 7) == NULL);
    job_end(job, JOB_FAILED, "why", 5);
    CHECK(job_running(&table, "vm.shutdown", 7) == NULL);
    CHECK(job_find(&table, 1) == job);
    CHECK_STR(job->error, "why");
    CHECK_STR(job_state_name(job->state), "failed");
}

TEST(old_ones_make_room)
{
    memset(&table, 0, sizeof table);
    for (u32 i = 0; i < JOBS_MAX; i++)
        CHECK(begin("a", i + 1) != NULL);
    CHECK(begin("b", 1) == NULL);
    job_end(job_find(&table, 9), JOB_SUCCEEDED, NULL, 0);
    job_end(job_find(&table, 5), JOB_SUCCEEDED, NULL, 0);
    CHECK_EQ(begin("b", 1)->id, JOBS_MAX + 1);
    CHECK(job_find(&table, 5) == NULL);
    CHECK(job_find(&table, 9) != NULL);
    CHECK_EQ(begin("b", 2)->id, JOBS_MAX + 2);
    CHECK(begin("b", 3) == NULL);
}

TEST(they_come_in_the_order_of_their_beginning)
{
    u64 id = 0, count = 0;

    for (struct job *job; (job = job_after(&table, id)) != NULL; count++) {
        CHECK(job->id > id);
        id = job->id;
    }
    CHECK_EQ(count, JOBS_MAX);
    CHECK_EQ(id, JOBS_MAX + 2);
}
