/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs: shown, defined, changed, switched, deleted. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/console.h"
#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/task.h"
#include "tools/socle/text.h"
#include "tools/socle/vm_define.h"
#include "tools/socle/vm_options.h"

#define GRACE_MAX_S 86400u

static void vm_row(struct grid *grid, const json_t *vm)
{
    char cpus[TEXT_NUMBER_MAX], memory[TEXT_NUMBER_MAX], used[TEXT_NUMBER_MAX], up[TEXT_NUMBER_MAX];

    snprintf(cpus, sizeof(cpus), "%llu", member_number(vm, "cpu.count"));
    text_size(memory, member_number(vm, "memory.size_bytes"));
    text_size(used, member_number(vm, "memory.resident_bytes"));
    text_duration(up, member_number(vm, "uptime_ns"));
    grid_add(grid, member_text(vm, "name"));
    grid_add(grid, member_text(vm, "state"));
    grid_add(grid, cpus);
    grid_add(grid, memory);
    grid_add(grid, used);
    grid_add(grid, json_object_get(vm, "uptime_ns") ? up : NULL);
    grid_add(grid, member_text(vm, "boot.kernel"));
    grid_add(grid, member_text(vm, "reason"));
}

enum outcome run_vm_list(struct cli *cli)
{
    static const struct listing vms = {
        .path = "/vms",
        .is_paged = true,
        .key = "name",
        .heads = "NAME|STATE|>CPUS|>MEMORY|>USED|>UP|KERNEL|REASON",
        .row = vm_row,
    };

    return listing_print(cli, &vms);
}

/* One request about the VM that the first argument names; its answer is printed if `is_shown`. */
static enum outcome request(struct cli *cli, const char *method, const char *tail, json_t *body,
                            bool is_shown)
{
    enum outcome outcome = cli_open(cli);
    json_t *answer = NULL;
    char *path;

    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    path = api_path("/vms/", args_value(&cli->args, 0), tail, NULL);
    outcome = api_call(cli, method, path, body, &answer);
    if (outcome == DONE && answer && is_shown)
        print_json(answer);
    json_decref(answer);
    free(path);
    return outcome;
}

enum outcome run_vm_show(struct cli *cli)
{
    return request(cli, "GET", "", NULL, true);
}

enum outcome run_vm_create(struct cli *cli)
{
    enum outcome outcome;
    json_t *vm;

    vm = vm_define_begin(&cli->args);
    if (!vm)
        return MISUSED;
    outcome = cli_open(cli);
    if (outcome == DONE)
        outcome = vm_define_put(cli, vm, false);
    json_decref(vm);
    return outcome;
}

enum outcome run_vm_set(struct cli *cli)
{
    json_t *patch = json_object();

    if (!vm_options_apply(&cli->args, patch)) {
        json_decref(patch);
        return MISUSED;
    }
    if (json_object_size(patch) == 0) {
        json_decref(patch);
        return say(MISUSED, "nothing is to be changed: name an option.");
    }
    return request(cli, "PATCH", "", patch, cli->as_json);
}

enum outcome run_vm_power(struct cli *cli)
{
    static const struct {
        const char *words, *tail;
    } actions[] = {
        {"vm start", "/start"},   {"vm stop", "/poweroff"}, {"vm pause", "/pause"},
        {"vm resume", "/resume"}, {"vm reset", "/reset"},
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].words, cli->args.command->words) == 0)
            return request(cli, "POST", actions[i].tail, NULL, cli->as_json);
    }
    return say(MISUSED, "there is no action \"%s\".", cli->args.command->words);
}

enum outcome run_vm_shutdown(struct cli *cli)
{
    json_t *body = json_object(), *task = NULL, *ended = NULL;
    bool is_waiting = !args_has(&cli->args, "detach");
    enum outcome outcome = put_grace(&cli->args, GRACE_MAX_S, body);
    char *path = api_path("/vms/", args_value(&cli->args, 0), "/shutdown", NULL);

    if (args_has(&cli->args, "force"))
        json_object_set_new(body, "then", json_string("poweroff"));
    if (outcome == DONE)
        outcome = cli_open(cli);
    if (outcome == DONE)
        outcome = api_call(cli, "POST", path, json_incref(body), &task);
    if (outcome == DONE && is_waiting)
        outcome = task_wait(cli, member_text(task, "id"), "", &ended);
    if (outcome == DONE && cli->as_json)
        print_json(is_waiting ? ended : task);
    json_decref(ended);
    json_decref(task);
    json_decref(body);
    free(path);
    return outcome;
}

enum outcome run_vm_rm(struct cli *cli)
{
    return listing_delete(cli, "/vms/", args_value(&cli->args, 0),
                          args_has(&cli->args, "force") ? "?force=true" : "");
}

enum outcome run_vm_console(struct cli *cli)
{
    enum outcome outcome = cli_open(cli);

    return outcome == DONE ? console_attach(cli, args_value(&cli->args, 0)) : outcome;
}

static bool show(void *context, const char *data, size_t len)
{
    (void)context;
    return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0;
}

enum outcome run_vm_log(struct cli *cli)
{
    enum outcome outcome = cli_open(cli);
    struct http_reply reply;
    char *path;

    if (outcome != DONE)
        return outcome;
    path = api_path("/vms/", args_value(&cli->args, 0), "/consoles/0/log", "",
                    args_has(&cli->args, "follow") ? "?follow=true" : "", NULL);
    outcome = http_do(cli->http,
                      &(struct http_request){.method = "GET", .path = path, .sink = show}, &reply);
    if (outcome == DONE && reply.status != 200)
        outcome = api_problem(&reply);
    http_release(&reply);
    free(path);
    return outcome;
}

static void exit_row(struct grid *grid, const json_t *row)
{
    char count[TEXT_NUMBER_MAX], total[TEXT_NUMBER_MAX], half[TEXT_NUMBER_MAX],
        most[TEXT_NUMBER_MAX];

    snprintf(count, sizeof(count), "%llu", member_number(row, "count"));
    text_duration(total, member_number(row, "total_ns"));
    text_duration(half, member_number(row, "p50_ns"));
    text_duration(most, member_number(row, "p99_ns"));
    grid_add(grid, member_text(row, "reason"));
    grid_add(grid, count);
    grid_add(grid, total);
    grid_add(grid, half);
    grid_add(grid, most);
}

enum outcome run_vm_exits(struct cli *cli)
{
    char *path = api_path("/vms/", args_value(&cli->args, 0), "/exits", NULL);
    const struct listing exits = {
        .path = path + strlen("/api/v1"),
        .key = "reason",
        .heads = "REASON|>COUNT|>TOTAL|>HALF BELOW|>99% BELOW",
        .row = exit_row,
    };
    enum outcome outcome = listing_print(cli, &exits);

    free(path);
    return outcome;
}
