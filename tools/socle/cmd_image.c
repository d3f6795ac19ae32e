/* SPDX-License-Identifier: BSD-2-Clause */
/* Images. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/task.h"
#include "tools/socle/text.h"
#include "tools/socle/upload.h"

static void image_row(struct grid *grid, const json_t *image)
{
    char file[TEXT_NUMBER_MAX], disk[TEXT_NUMBER_MAX], users[TEXT_NUMBER_MAX],
        *digest = mem_text("%.12s", member_text(image, "sha256"));

    text_size(file, member_number(image, "size_bytes"));
    text_size(disk, member_number(image, "virtual_size_bytes"));
    snprintf(users, sizeof(users), "%llu", member_number(image, "users"));
    grid_add(grid, member_text(image, "name"));
    grid_add(grid, member_text(image, "kind"));
    grid_add(grid, file);
    grid_add(grid, disk);
    grid_add(grid, member_text(image, "state"));
    grid_add(grid, users);
    grid_add(grid, digest);
    free(digest);
}

enum outcome run_image_list(struct cli *cli)
{
    static const struct listing images = {
        .path = "/images",
        .is_paged = true,
        .key = "name",
        .heads = "NAME|KIND|>FILE|>DISK|STATE|>USERS|SHA-256",
        .row = image_row,
    };

    return listing_print(cli, &images);
}

enum outcome run_image_upload(struct cli *cli)
{
    const char *file = args_value(&cli->args, 0), *name = args_value(&cli->args, 1);
    const char *kind = args_option(&cli->args, "kind"), *slash = strrchr(file, '/');
    json_t *image = NULL;
    enum outcome outcome;
    bool is_elf;

    if (!kind)
        kind = upload_guess(file, &is_elf);
    if (!kind)
        return say(MISUSED, "%s: %s", file, strerror(errno));
    outcome = cli_open(cli);
    if (outcome == DONE)
        outcome = upload_file(cli, file, name ? name : slash ? slash + 1 : file, kind, &image);
    if (outcome == DONE && cli->as_json)
        print_json(image);
    json_decref(image);
    return outcome;
}

static enum outcome wait_pull(struct cli *cli, const json_t *task)
{
    json_t *ended = NULL, *image = NULL;
    char *path = api_path("/images/", args_value(&cli->args, 0), NULL);
    enum outcome outcome =
        task_wait(cli, member_text(task, "id"), args_value(&cli->args, 0), &ended);

    if (outcome == DONE && cli->as_json)
        outcome = api_call(cli, "GET", path, NULL, &image);
    if (image)
        print_json(image);
    json_decref(image);
    json_decref(ended);
    free(path);
    return outcome;
}

/* The options that are members of the request, as they are. */
static void put_options(const struct cli *cli, json_t *body)
{
    static const char *const members[][2] = {{"sha256", "sha256"},
                                             {"kind", "kind"},
                                             {"pool", "pool"},
                                             {"cert-sha256", "certificate_sha256"}};

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const char *value = args_option(&cli->args, members[i][0]);

        if (value)
            json_object_set_new(body, members[i][1], json_string(value));
    }
}

enum outcome run_image_pull(struct cli *cli)
{
    const char *ca = args_option(&cli->args, "ca");
    json_t *body =
        json_pack("{ssss}", "name", args_value(&cli->args, 0), "url", args_value(&cli->args, 1));
    json_t *task = NULL;
    enum outcome outcome;

    put_options(cli, body);
    outcome = ca ? api_put_file(body, "ca", ca) : DONE;
    if (outcome == DONE)
        outcome = cli_open(cli);
    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    outcome = api_call(cli, "POST", "/api/v1/images", body, &task);
    if (outcome == DONE && !args_has(&cli->args, "detach"))
        outcome = wait_pull(cli, task);
    else if (outcome == DONE && cli->as_json)
        print_json(task);
    else if (outcome == DONE)
        printf("%llu\n", strtoull(member_text(task, "id"), NULL, 10));
    json_decref(task);
    return outcome;
}

enum outcome run_image_rm(struct cli *cli)
{
    return listing_delete(cli, "/images/", args_value(&cli->args, 0), "");
}
