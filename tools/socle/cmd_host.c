/* SPDX-License-Identifier: BSD-2-Clause */
/* The host itself: status, log, disks, power; and any request. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/socle/lines.h"
#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

#define FILE_BYTES_MAX (64u << 20)
#define GRACE_MAX_S    3600u

static void print_field(const char *label, const char *value)
{
    char *safe = mem_text("%s", value);

    text_make_safe(safe);
    printf("%-10s %s\n", label, safe);
    free(safe);
}

static void print_status(const struct cli *cli, const json_t *host, const json_t *vms)
{
    char free_text[TEXT_NUMBER_MAX], total[TEXT_NUMBER_MAX], uptime[TEXT_NUMBER_MAX];
    size_t running = 0, i;
    json_t *vm;
    char *text;

    json_array_foreach(vms, i, vm) running += strcmp(member_text(vm, "state"), "running") == 0;
    text_size(free_text, member_number(host, "memory.free_bytes"));
    text_size(total, member_number(host, "memory.total_bytes"));
    text_duration(uptime, member_number(host, "uptime_ns"));
    print_field("host", member_text(host, "name"));
    print_field("url", cli->host.url);
    text = mem_text("%s (%s)", member_text(host, "version"), member_text(host, "build.git"));
    print_field("version", text);
    free(text);
    print_field("up", uptime);
    text = mem_text("%llu x %s", member_number(host, "cpu.count"), member_text(host, "cpu.model"));
    print_field("CPUs", text);
    free(text);
    text = mem_text("%s free of %s", free_text, total);
    print_field("memory", text);
    free(text);
    printf("%-10s %zu running of %zu\n", "VMs", running, json_array_size(vms));
}

enum outcome run_status(struct cli *cli)
{
    json_t *host = NULL, *vms = NULL;
    enum outcome outcome = cli_open(cli);

    if (outcome == DONE)
        outcome = api_call(cli, "GET", "/api/v1/host", NULL, &host);
    if (outcome == DONE && !cli->as_json)
        outcome = api_list(cli, "/vms", true, &vms);
    if (outcome == DONE && cli->as_json)
        print_json(host);
    else if (outcome == DONE)
        print_status(cli, host, vms);
    json_decref(host);
    json_decref(vms);
    return outcome;
}

static void print_record(void *context, const char *line, size_t len)
{
    const struct cli *cli = context;
    json_t *record = json_loadb(line, len, 0, NULL);
    char *text;

    if (cli->as_json && record) {
        json_dumpf(record, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
        putchar('\n');
    } else if (json_is_object(record)) {
        text = mem_text("%12.6f %-5s %s: %s", (double)member_number(record, "time_ns") / 1e9,
                        member_text(record, "level"), member_text(record, "subsystem"),
                        member_text(record, "text"));
        text_make_safe(text);
        puts(text);
        free(text);
    }
    json_decref(record);
    fflush(stdout);
}

static bool take_lines(void *context, const char *data, size_t len)
{
    return lines_take(context, data, len);
}

enum outcome run_log(struct cli *cli)
{
    const char *level = args_option(&cli->args, "level");
    struct lines lines = {.line = print_record, .context = cli};
    struct http_reply reply;
    enum outcome outcome = cli_open(cli);
    char *path;

    if (outcome != DONE)
        return outcome;
    path = api_path(level ? "/host/log?level=" : "/host/log?level=debug", level ? level : "",
                    args_has(&cli->args, "follow") ? "&follow=true" : "", NULL);
    outcome = http_do(cli->http,
                      &(struct http_request){
                          .method = "GET", .path = path, .sink = take_lines, .context = &lines},
                      &reply);
    if (outcome == DONE && reply.status != 200)
        outcome = api_problem(&reply);
    lines_end(&lines);
    http_release(&reply);
    free(path);
    return outcome;
}

static enum outcome power(struct cli *cli, const char *path)
{
    bool is_kind = args_has(&cli->args, "shutdown"), is_forced = args_has(&cli->args, "force");
    json_t *body = json_object();
    enum outcome outcome = put_grace(&cli->args, GRACE_MAX_S, body);

    if (outcome == DONE && is_kind && is_forced)
        outcome = say(MISUSED, "--shutdown asks the guests, --force does not: choose.");
    if (outcome == DONE && !is_kind && args_has(&cli->args, "grace"))
        outcome = say(MISUSED, "--grace is how long guests may take with --shutdown.");
    if (outcome == DONE)
        outcome = cli_open(cli);
    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    if (is_kind || is_forced)
        json_object_set_new(body, "vms", json_string(is_forced ? "kill" : "shutdown"));
    return api_call(cli, "POST", path, body, NULL);
}

enum outcome run_reboot(struct cli *cli)
{
    return power(cli, "/api/v1/host/reboot");
}

enum outcome run_poweroff(struct cli *cli)
{
    return power(cli, "/api/v1/host/poweroff");
}

static void disk_row(struct grid *grid, const json_t *disk)
{
    char size[TEXT_NUMBER_MAX], partitions[TEXT_NUMBER_MAX];

    text_size(size, member_number(disk, "size_bytes"));
    snprintf(partitions, sizeof(partitions), "%zu",
             json_array_size(json_object_get(disk, "partitions")));
    grid_add(grid, member_text(disk, "name"));
    grid_add(grid, member_text(disk, "driver"));
    grid_add(grid, size);
    grid_add(grid, member_text(disk, "state"));
    grid_add(grid, partitions);
    grid_add(grid, member_text(disk, "model"));
}

enum outcome run_disk_list(struct cli *cli)
{
    static const struct listing disks = {
        .path = "/host/disks",
        .key = "name",
        .heads = "NAME|DRIVER|>SIZE|STATE|>PARTITIONS|MODEL",
        .row = disk_row,
    };

    return listing_print(cli, &disks);
}

/* What --data says. Return: false after telling why not. */
static bool take_data(const char *text, struct buffer *data)
{
    char piece[65536];
    FILE *f;
    size_t len;

    if (text[0] != '@') {
        buffer_print(data, "%s", text);
        return true;
    }
    f = fopen(text + 1, "rb");
    if (!f) {
        (void)say(MISUSED, "%s: %s", text + 1, strerror(errno));
        return false;
    }
    while ((len = fread(piece, 1, sizeof(piece), f)) > 0 && data->len < FILE_BYTES_MAX)
        buffer_add(data, piece, len);
    fclose(f);
    if (data->len >= FILE_BYTES_MAX)
        (void)say(MISUSED, "%s is larger than 64 MiB: use \"image upload\".", text + 1);
    return data->len < FILE_BYTES_MAX;
}

static bool pass_on(void *context, const char *data, size_t len)
{
    (void)context;
    return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0;
}

enum outcome run_api(struct cli *cli)
{
    const char *method = args_value(&cli->args, 0), *path = args_value(&cli->args, 1);
    const char *data = args_option(&cli->args, "data");
    bool is_whole = strncmp(path, "/api", 4) == 0 || strncmp(path, "/metrics", 8) == 0;
    char *whole = mem_text("%s%s%s", is_whole ? "" : "/api/v1", path[0] == '/' ? "" : "/", path);
    struct buffer body = {0};
    struct http_reply reply = {0};
    enum outcome outcome = cli_open(cli);

    if (outcome == DONE && data && !take_data(data, &body))
        outcome = MISUSED;
    if (outcome == DONE) {
        outcome = http_do(cli->http,
                          &(struct http_request){
                              .method = method,
                              .path = whole,
                              .content_type = !data            ? NULL
                                              : data[0] == '@' ? "application/octet-stream"
                                                               : "application/json",
                              .body = body.data,
                              .body_len = body.len,
                              .sink = pass_on,
                          },
                          &reply);
    }
    if (outcome == DONE && reply.status >= 300)
        outcome = api_problem(&reply);
    else if (outcome == DONE && reply.body.len)
        (void)pass_on(NULL, reply.body.data, reply.body.len);
    http_release(&reply);
    free(body.data);
    free(whole);
    return outcome;
}
