/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: what goes on after its request was answered. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/hint.h"
#include "tools/socle/listing.h"
#include "tools/socle/progress.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/task.h"
#include "tools/socle/text.h"

#define WAIT_STEP "?wait_ms=500"   /* between two looks at the progress */
#define WAIT_LONG "?wait_ms=50000" /* for one without; less than http.c allows for silence */

static bool is_active(const json_t *task)
{
    const char *state = member_text(task, "state");

    return strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
}

/* "12 MiB of 40 MiB (30%), 4 MiB/s, ETA 7 s", as far as it is known. Caller frees. */
static char *progress_text(const json_t *task)
{
    char done[TEXT_NUMBER_MAX], total[TEXT_NUMBER_MAX], rate[TEXT_NUMBER_MAX],
        left[TEXT_NUMBER_MAX];
    u64 done_bytes = member_number(task, "progress.done_bytes");
    u64 total_bytes = member_number(task, "progress.total_bytes");
    struct buffer text = {0};

    buffer_add(&text, "", 0);
    if (!json_object_get(task, "progress"))
        return text.data;
    text_size(done, done_bytes);
    text_size(total, total_bytes);
    text_size(rate, member_number(task, "progress.rate_bytes_per_s"));
    text_duration(left, member_number(task, "progress.eta_ms") * NS_PER_MS);
    buffer_print(&text, "%s", done);
    if (total_bytes)
        buffer_print(&text, " of %s (%u%%)", total,
                     (unsigned int)((double)done_bytes * 100 / (double)total_bytes));
    if (is_active(task))
        buffer_print(&text, ", %s/s", rate);
    if (is_active(task) && json_object_get(json_object_get(task, "progress"), "eta_ms"))
        buffer_print(&text, ", ETA %s", left);
    return text.data;
}

static void task_row(struct grid *grid, const json_t *task)
{
    char *progress = progress_text(task);

    grid_add(grid, member_text(task, "id"));
    grid_add(grid, member_text(task, "kind"));
    grid_add(grid, member_text(task, "target"));
    grid_add(grid, member_text(task, "state"));
    grid_add(grid, progress);
    grid_add(grid, member_text(task, "error.detail"));
    free(progress);
}

enum outcome run_task_list(struct cli *cli)
{
    static const struct listing tasks = {
        .path = "/tasks",
        .key = "id",
        .heads = ">ID|KIND|TARGET|STATE|PROGRESS|ERROR",
        .row = task_row,
    };

    return listing_print(cli, &tasks);
}

static enum outcome get(struct cli *cli, const char *id, const char *query, json_t **task)
{
    char *path = api_path("/tasks/", id, query, NULL);
    enum outcome outcome = api_call(cli, "GET", path, NULL, task);

    free(path);
    return outcome;
}

static void print_field(const char *label, const char *value)
{
    char *safe = mem_text("%s", value);

    text_make_safe(safe);
    if (safe[0])
        printf("%-10s %s\n", label, safe);
    free(safe);
}

enum outcome run_task_show(struct cli *cli)
{
    enum outcome outcome = cli_open(cli);
    json_t *task = NULL;
    char *progress, *hint;

    if (outcome == DONE)
        outcome = get(cli, args_value(&cli->args, 0), "", &task);
    if (outcome == DONE && cli->as_json) {
        print_json(task);
    } else if (outcome == DONE) {
        progress = progress_text(task);
        hint = hint_for(member_text(task, "error.type"), member_text(task, "error.hint"));
        print_field("id", member_text(task, "id"));
        print_field("kind", member_text(task, "kind"));
        print_field("target", member_text(task, "target"));
        print_field("state", member_text(task, "state"));
        print_field("progress", progress);
        print_field("begun", member_text(task, "created_at"));
        print_field("ended", member_text(task, "finished_at"));
        print_field("error", member_text(task, "error.detail"));
        print_field("hint", hint);
        free(hint);
        free(progress);
    }
    json_decref(task);
    return outcome;
}

/* Looks at it until it has ended. */
static enum outcome follow(struct cli *cli, const char *id, struct progress *p, json_t **task)
{
    bool has_progress = false, is_first = true;
    enum outcome outcome;

    for (;;) {
        json_decref(*task);
        *task = NULL;
        outcome = get(cli, id, has_progress ? WAIT_STEP : is_first ? "" : WAIT_LONG, task);
        is_first = false;
        if (outcome != DONE)
            return outcome;
        if (json_object_get(*task, "progress")) {
            if (!has_progress)
                progress_begin(p, p->what, 0);
            has_progress = true;
            progress_set(p, member_number(*task, "progress.done_bytes"),
                         member_number(*task, "progress.total_bytes"));
        }
        if (!is_active(*task))
            break;
    }
    if (has_progress)
        progress_end(p);
    return DONE;
}

enum outcome task_wait(struct cli *cli, const char *id, const char *what, json_t **answer)
{
    struct progress progress = {.what = what};
    enum outcome outcome;
    json_t *task = NULL;

    outcome = follow(cli, id, &progress, &task);
    *answer = task;
    if (outcome != DONE)
        return outcome;
    if (strcmp(member_text(task, "state"), "succeeded") == 0)
        return DONE;
    if (strcmp(member_text(task, "state"), "cancelled") == 0)
        return say(REFUSED, "the task was cancelled.");
    return api_tell(json_object_get(task, "error"), "the task failed and did not say why.");
}

enum outcome run_task_wait(struct cli *cli)
{
    enum outcome outcome = cli_open(cli);
    json_t *task = NULL;
    char *what;

    if (outcome != DONE)
        return outcome;
    outcome = get(cli, args_value(&cli->args, 0), "", &task);
    what = mem_text("%s", member_text(task, "target"));
    text_make_safe(what);
    json_decref(task);
    task = NULL;
    if (outcome == DONE)
        outcome = task_wait(cli, args_value(&cli->args, 0), what, &task);
    if (task && cli->as_json)
        print_json(task);
    json_decref(task);
    free(what);
    return outcome;
}

enum outcome run_task_cancel(struct cli *cli)
{
    return api_send(cli, "DELETE", api_path("/tasks/", args_value(&cli->args, 0), NULL), NULL);
}
