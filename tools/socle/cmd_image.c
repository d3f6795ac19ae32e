/* SPDX-License-Identifier: BSD-2-Clause */
/* Images. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"
#include "tools/socle/upload.h"

static void image_row(struct grid *grid, const json_t *image)
{
    char size[TEXT_NUMBER_MAX], users[TEXT_NUMBER_MAX],
        *digest = mem_text("%.12s", member_text(image, "sha256"));

    text_size(size, member_number(image, "size_bytes"));
    snprintf(users, sizeof(users), "%llu", member_number(image, "users"));
    grid_add(grid, member_text(image, "name"));
    grid_add(grid, member_text(image, "kind"));
    grid_add(grid, size);
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
        .heads = "NAME|KIND|>SIZE|STATE|>USERS|SHA-256",
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

enum outcome run_image_rm(struct cli *cli)
{
    return listing_delete(cli, "/images/", args_value(&cli->args, 0), "");
}
