/* SPDX-License-Identifier: BSD-2-Clause */
/* Volumes, the pools they are in, and which VM has them as a disk. */
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

static void add_size(struct grid *grid, const json_t *item, const char *member)
{
    char size[TEXT_NUMBER_MAX];

    text_size(size, member_number(item, member));
    grid_add(grid, size);
}

static void volume_row(struct grid *grid, const json_t *volume)
{
    char *vms = attached_to(volume);

    grid_add(grid, member_text(volume, "name"));
    grid_add(grid, member_text(volume, "pool"));
    add_size(grid, volume, "size_bytes");
    add_size(grid, volume, "used_bytes");
    grid_add(grid, json_is_true(json_object_get(volume, "read_only")) ? "read-only" : "");
    grid_add(grid, member_text(volume, "parent"));
    grid_add(grid, vms);
    free(vms);
}

enum outcome run_volume_list(struct cli *cli)
{
    static const struct listing volumes = {
        .path = "/volumes",
        .key = "name",
        .heads = "NAME|POOL|>SIZE|>USED|MODE|PARENT|ATTACHED TO",
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
    json_t *body = json_object();

    if (!put_size(body, args_option(&cli->args, "size"))) {
        json_decref(body);
        return MISUSED;
    }
    if (pool)
        json_object_set_new(body, "pool", json_string(pool));
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

static void pool_row(struct grid *grid, const json_t *pool)
{
    char partition[TEXT_NUMBER_MAX];

    snprintf(partition, sizeof(partition), "%llu", member_number(pool, "partition"));
    grid_add(grid, member_text(pool, "name"));
    grid_add(grid, member_text(pool, json_object_get(pool, "nbd") ? "nbd.host" : "disk"));
    grid_add(grid, partition);
    grid_add(grid, member_text(pool, "state"));
    add_size(grid, pool, "size_bytes");
    add_size(grid, pool, "free_bytes");
    grid_add(grid, member_text(pool, "reason"));
}

enum outcome run_pool_list(struct cli *cli)
{
    static const struct listing pools = {
        .path = "/pools",
        .key = "name",
        .heads = "NAME|DISK|>PARTITION|STATE|>SIZE|>FREE|REASON",
        .row = pool_row,
    };

    return listing_print(cli, &pools);
}

enum outcome run_pool_create(struct cli *cli)
{
    const char *partition = args_option(&cli->args, "partition");
    json_t *body = json_pack("{ss}", "disk", args_value(&cli->args, 1));
    u64 number;

    if (partition && !text_parse_number(partition, 128, &number)) {
        json_decref(body);
        return say(MISUSED, "--partition needs a number, not \"%s\".", partition);
    }
    if (partition)
        json_object_set_new(body, "partition", json_integer((json_int_t)number));
    if (args_has(&cli->args, "format") || args_has(&cli->args, "erase"))
        json_object_set_new(body, "format", json_true());
    if (args_has(&cli->args, "erase"))
        json_object_set_new(body, "erase", json_true());
    return api_send(cli, "PUT", path_of(cli, "/pools/"), body);
}

enum outcome run_pool_rm(struct cli *cli)
{
    return listing_delete(cli, "/pools/", args_value(&cli->args, 0), "");
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
