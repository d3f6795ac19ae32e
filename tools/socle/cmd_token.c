/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens. */
#include <stdio.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

static void token_row(struct grid *grid, const json_t *token)
{
    grid_add(grid, member_text(token, "id"));
    grid_add(grid, member_text(token, "user"));
    grid_add(grid, member_text(token, "role"));
    grid_add(grid, member_text(token, "source"));
    grid_add(grid, member_text(token, "created_at"));
    grid_add(grid, member_text(token, "expires_at"));
}

enum outcome run_token_list(struct cli *cli)
{
    static const struct listing tokens = {
        .path = "/tokens",
        .key = "id",
        .heads = "ID|USER|ROLE|SOURCE|CREATED|EXPIRES",
        .row = token_row,
    };

    return listing_print(cli, &tokens);
}

/* Once for each --vm-tag. */
static void add_tags(struct cli *cli, json_t *body)
{
    json_t *tags = json_array();
    const char *tag;
    size_t at = 0;

    while ((tag = args_next(&cli->args, "vm-tag", &at)) != NULL)
        json_array_append_new(tags, json_string(tag));
    if (json_array_size(tags))
        json_object_set(body, "vm_tags", tags);
    json_decref(tags);
}

enum outcome run_token_create(struct cli *cli)
{
    const char *role = args_option(&cli->args, "role"), *user = args_option(&cli->args, "user");
    const char *expires = args_option(&cli->args, "expires");
    json_t *body = json_pack("{ss}", "role", role ? role : "viewer"), *token = NULL;
    enum outcome outcome = cli_open(cli);

    if (user)
        json_object_set_new(body, "user", json_string(user));
    if (expires)
        json_object_set_new(body, "expires_at", json_string(expires));
    add_tags(cli, body);
    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    outcome = api_call(cli, "POST", "/api/v1/tokens", body, &token);
    if (outcome == DONE && cli->as_json) {
        print_json(token);
    } else if (outcome == DONE) {
        char *text = mem_text("%s", member_text(token, "token"));

        text_make_safe(text);
        puts(text);
        free(text);
    }
    json_decref(token);
    return outcome;
}

enum outcome run_token_rm(struct cli *cli)
{
    return listing_delete(cli, "/tokens/", args_value(&cli->args, 0), "");
}
