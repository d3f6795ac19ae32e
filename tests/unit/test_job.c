/* SPDX-License-Identifier: BSD-2-Clause */
/* SOURCES: mgmt/api/job.c core/lib/str.c */
/* Tasks are found, end once, and make room for new ones; those that run are never pushed out. */
#include "tests/unit/harness.h"

#include <string.h>

#include "mgmt/api/job.h"

static struct job_table table;

static struct job *begin(const char *kind, u32 vm)
{
    return job_begin(&table, &(struct job){.kind = kind, .vm = vm, .state = JOB_RUNNING});
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
    CHECK(job_is_active(job));
    job_end(job, JOB_FAILED, &(struct job_error){.slug = "peer", .detail = "why"}, 5);
    CHECK(!job_is_active(job));
    CHECK(job_running(&table, "vm.shutdown", 7) == NULL);
    CHECK(job_find(&table, 1) == job);
    CHECK_STR(job->error.slug, "peer");
    CHECK_STR(job->error.detail, "why");
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

TEST(what_waits_is_active)
{
    struct job *job;

    memset(&table, 0, sizeof table);
    job = job_begin(&table, &(struct job){.kind = "pull", .state = JOB_QUEUED});
    CHECK(job && job_is_active(job) && job_running(&table, "pull", 0) == job);
    CHECK_STR(job_state_name(job->state), "queued");
    job_end(job, JOB_CANCELLED, NULL, 0);
    CHECK(!job_is_active(job) && !job->error.slug);
    CHECK_STR(job_state_name(job->state), "cancelled");
    memset(&table, 0, sizeof table);
    for (u32 i = 0; i < JOBS_MAX; i++)
        CHECK(job_begin(&table, &(struct job){.kind = "pull", .state = JOB_QUEUED}) != NULL);
    CHECK(begin("b", 1) == NULL);
}

/* -- progress ---------------------------------------------------------------------------------- */

#define MS NS_PER_MS

TEST(a_rate_is_a_moving_average)
{
    struct job_progress p = {.total_bytes = 100 * MiB};
    u64 now = 5000 * MS, eta_ms;

    job_progress_sample(&p, now);
    CHECK_EQ(p.rate_bytes_per_s, 0);
    CHECK(!job_progress_eta(&p, &eta_ms));
    p.done_bytes = 10 * MiB;
    job_progress_sample(&p, now + 400 * MS); /* too early */
    CHECK_EQ(p.rate_bytes_per_s, 0);
    job_progress_sample(&p, now += 1000 * MS);
    CHECK_EQ(p.rate_bytes_per_s, 10 * MiB);
    CHECK(job_progress_eta(&p, &eta_ms));
    CHECK_EQ(eta_ms, 9000);
    CHECK_EQ(job_progress_permille(&p), 100);
    for (u32 i = 0; i < 100; i++) /* it stalls */
        job_progress_sample(&p, now += 500 * MS);
    CHECK_EQ(p.rate_bytes_per_s, 0);
    CHECK(!job_progress_eta(&p, &eta_ms));
    for (u32 i = 0; i < 20; i++) {
        p.done_bytes += 2 * MiB;
        job_progress_sample(&p, now += 1000 * MS);
    }
    CHECK(p.rate_bytes_per_s > 19 * MiB / 10 && p.rate_bytes_per_s <= 2 * MiB);
}

TEST(numbers_without_end_do_not_overflow)
{
    struct job_progress p = {.total_bytes = UINT64_MAX};
    u64 eta_ms;

    job_progress_sample(&p, 1);
    p.done_bytes = UINT64_MAX;
    job_progress_sample(&p, 1 + 1000 * MS); /* no rate can be said */
    CHECK_EQ(job_progress_permille(&p), 1000);
    CHECK(!job_progress_eta(&p, &eta_ms));
    p = (struct job_progress){.total_bytes = UINT64_MAX, .rate_bytes_per_s = 1};
    CHECK(!job_progress_eta(&p, &eta_ms));
    p = (struct job_progress){.total_bytes = 5, .done_bytes = 7, .rate_bytes_per_s = 1};
    CHECK_EQ(job_progress_permille(&p), 1000);
    CHECK(job_progress_eta(&p, &eta_ms));
    CHECK_EQ(eta_ms, 0);
    p = (struct job_progress){.done_bytes = 7, .rate_bytes_per_s = 1};
    CHECK_EQ(job_progress_permille(&p), 0);
    CHECK(!job_progress_eta(&p, &eta_ms));
}

TEST(news_are_few)
{
    struct job_progress p = {.total_bytes = GiB};
    u32 told = 0;

    for (u64 ms = 1; ms <= 1000000; ms += 50) {
        p.done_bytes = GiB / 1000000 * ms;
        told += job_progress_news(&p, ms * MS);
    }
    CHECK(told >= 90 && told <= 100);
    p = (struct job_progress){.total_bytes = 1000};
    told = 0;
    for (u64 ms = 1; ms <= 10000; ms += 50) {
        p.done_bytes = ms / 10;
        told += job_progress_news(&p, ms * MS);
    }
    CHECK(told >= 9 && told <= 10);
    p = (struct job_progress){0};
    p.done_bytes = 63 * MiB;
    CHECK(!job_progress_news(&p, 5000 * MS));
    p.done_bytes = 64 * MiB;
    CHECK(job_progress_news(&p, 6000 * MS));
    CHECK(!job_progress_news(&p, 60000 * MS));
}
