/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes: listed, made, exported, and which VM has them as a disk. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/task.h"
#include "tools/socle/text.h"

/* "a, b": the VMs a volume is attached to. Caller frees. */
static char *attached_to(const json_t *volume)
{
    char *text = mem_text("%s", ""), *longer;
    json_t *vm;
    size_t i;

    json_array_foreach(json_object_get(volume, "attached_to"), i, vm)
    {
        longer = mem_text("%s%s%s", text, i ? ", " : "", json_string_value(vm));
        free(text);
        text = longer;
    }
    return text;
}

/* What is to be known about it: that it can only be read, is exported, or waits for its server.
 * Caller frees. */
static char *notes_of(const json_t *volume)
{
    bool is_read_only = json_is_true(json_object_get(volume, "read_only"));
    bool is_exported = json_is_object(json_object_get(volume, "nbd"));
    const char *state = member_text(volume, "state"), *reason = member_text(volume, "reason");
    bool is_waiting = strcmp(state, "connecting") == 0;

    return mem_text(
        "%s%s%s%s%s%s%s", is_read_only ? "read-only" : "", is_read_only && is_exported ? ", " : "",
        is_exported ? "exported" : "", is_waiting && (is_read_only || is_exported) ? ", " : "",
        is_waiting ? state : "", is_waiting && reason[0] ? ": " : "", is_waiting ? reason : "");
}

static void volume_row(struct grid *grid, const json_t *volume)
{
    char *vms = attached_to(volume), *notes = notes_of(volume);

    grid_add(grid, member_text(volume, "name"));
    grid_add(grid, member_text(volume, "pool"));
    grid_add_size(grid, volume, "size_bytes");
    grid_add_size(grid, volume, "used_bytes");
    grid_add(grid, member_text(volume, "parent"));
    grid_add(grid, vms);
    grid_add(grid, notes);
    free(notes);
    free(vms);
}

enum outcome run_volume_list(struct cli *cli)
{
    static const struct listing volumes = {
        .path = "/volumes",
        .key = "name",
        .heads = "NAME|POOL|>SIZE|>USED|PARENT|ATTACHED TO|NOTES",
        .row = volume_row,
    };

    return listing_print(cli, &volumes);
}

/* Path of what the first argument names. Caller frees. */
static char *path_of(const struct cli *cli, const char *kind)
{
    return api_path(kind, args_value(&cli->args, 0), NULL);
}

/* Return: false after telling that it is no size. */
static bool put_size(json_t *body, const char *text)
{
    u64 bytes;

    if (text && !text_parse_size(text, &bytes)) {
        (void)say(MISUSED, "\"%s\" is no size, as 512M or 20G are.", text);
        return false;
    }
    if (text)
        json_object_set_new(body, "size_bytes", json_integer((json_int_t)bytes));
    return true;
}

enum outcome run_volume_create(struct cli *cli)
{
    const char *pool = args_option(&cli->args, "pool"), *image = args_option(&cli->args, "image");
    const char *name = args_option(&cli->args, "export");
    json_t *body = json_object();

    if (!put_size(body, args_option(&cli->args, "size"))) {
        json_decref(body);
        return MISUSED;
    }
    if (pool)
        json_object_set_new(body, "pool", json_string(pool));
    if (name)
        json_object_set_new(body, "export", json_string(name));
    if (args_has(&cli->args, "read-only"))
        json_object_set_new(body, "read_only", json_true());
    if (image)
        json_object_set_new(body, "from", json_pack("{ss}", "image", image));
    return api_send(cli, "PUT", path_of(cli, "/volumes/"), body);
}

enum outcome run_volume_snapshot(struct cli *cli)
{
    return api_send(
        cli, "PUT", path_of(cli, "/volumes/"),
        json_pack("{s{ss}sb}", "from", "volume", args_value(&cli->args, 1), "read_only", 1));
}

enum outcome run_volume_clone(struct cli *cli)
{
    return api_send(cli, "PUT", path_of(cli, "/volumes/"),
                    json_pack("{s{ss}}", "from", "snapshot", args_value(&cli->args, 1)));
}

enum outcome run_volume_grow(struct cli *cli)
{
    json_t *body = json_object();

    if (!put_size(body, args_value(&cli->args, 1))) {
        json_decref(body);
        return MISUSED;
    }
    return api_send(cli, "PATCH", path_of(cli, "/volumes/"), body);
}

enum outcome run_volume_rm(struct cli *cli)
{
    return listing_delete(cli, "/volumes/", args_value(&cli->args, 0), "");
}

enum outcome run_volume_export(struct cli *cli)
{
    char *path = api_path("/volumes/", args_value(&cli->args, 0), "/nbd", NULL);
    json_t *body = json_object(), *answer = NULL;
    enum outcome outcome = cli_open(cli);

    if (args_has(&cli->args, "read-only"))
        json_object_set_new(body, "read_only", json_true());
    if (args_has(&cli->args, "no-tls"))
        json_object_set_new(body, "tls", json_false());
    if (outcome == DONE)
        outcome = api_call(cli, "PUT", path, body, &answer);
    else
        json_decref(body);
    if (outcome == DONE && cli->as_json) {
        print_json(answer);
    } else if (outcome == DONE) {
        char *uri = mem_text("%s", member_text(answer, "uri"));

        text_make_safe(uri);
        puts(uri);
        free(uri);
    }
    json_decref(answer);
    free(path);
    return outcome;
}

enum outcome run_volume_unexport(struct cli *cli)
{
    return api_send(cli, "DELETE", api_path("/volumes/", args_value(&cli->args, 0), "/nbd", NULL),
                    NULL);
}

enum outcome run_vm_attach(struct cli *cli)
{
    const char *volume = args_value(&cli->args, 1), *id = args_option(&cli->args, "id");
    json_t *body =
        json_pack("{sssb}", "volume", volume, "read_only", args_has(&cli->args, "read-only"));

    return api_send(cli, "PUT",
                    api_path("/vms/", args_value(&cli->args, 0), "/disks/", id ? id : volume, NULL),
                    body);
}

enum outcome run_vm_detach(struct cli *cli)
{
    const char *force = args_has(&cli->args, "force") ? "?force=true" : "";
    enum outcome outcome = cli_open(cli);
    json_t *task = NULL, *ended = NULL;
    char *path;

    if (outcome != DONE)
        return outcome;
    path = api_path("/vms/", args_value(&cli->args, 0), "/disks/", args_value(&cli->args, 1), force,
                    NULL);
    outcome = api_call(cli, "DELETE", path, NULL, &task);
    free(path);
    if (outcome == DONE && task) /* the guest is asked, and may refuse */
        outcome = task_wait(cli, member_text(task, "id"), "", &ended);
    json_decref(task);
    json_decref(ended);
    return outcome;
}
