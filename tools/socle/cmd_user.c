/* SPDX-License-Identifier: BSD-2-Clause */
/* Users. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/secret.h"

static void user_row(struct grid *grid, const json_t *user)
{
    char certs[24];

    snprintf(certs, sizeof(certs), "%zu", json_array_size(json_object_get(user, "certs")));
    grid_add(grid, member_text(user, "name"));
    grid_add(grid, member_text(user, "role"));
    grid_add(grid, json_is_true(json_object_get(user, "has_password")) ? "yes" : "no");
    grid_add(grid, certs);
    grid_add(grid, member_text(user, "source"));
}

enum outcome run_user_list(struct cli *cli)
{
    static const struct listing users = {
        .path = "/users",
        .key = "name",
        .heads = "NAME|ROLE|PASSWORD|CERTS|SOURCE",
        .row = user_row,
    };

    return listing_print(cli, &users);
}

static void add_certs(struct cli *cli, json_t *body)
{
    json_t *certs = json_array();
    const char *cert;
    size_t at = 0;

    while ((cert = args_next(&cli->args, "cert", &at)) != NULL) {
        if (cert[0])
            json_array_append_new(certs, json_string(cert));
    }
    if (at)
        json_object_set_new(body, "certs", certs);
    else
        json_decref(certs);
}

static enum outcome add_password(struct cli *cli, json_t *body)
{
    char secret[SECRET_MAX + 1] = "";
    enum outcome outcome = DONE;

    if (args_has(&cli->args, "no-password"))
        json_object_set_new(body, "password", json_null());
    if (!args_has(&cli->args, "password"))
        return DONE;
    outcome = secret_choose("New password", secret);
    if (outcome == DONE && json_object_set_new(body, "password", json_string(secret)) != 0)
        outcome = say(MISUSED, "the password is no text in UTF-8.");
    explicit_bzero(secret, sizeof(secret));
    return outcome;
}

enum outcome run_user_put(struct cli *cli)
{
    const char *role = args_option(&cli->args, "role");
    json_t *body = json_object();
    enum outcome outcome;

    if (role)
        json_object_set_new(body, "role", json_string(role));
    add_certs(cli, body);
    outcome = add_password(cli, body);
    if (outcome == DONE)
        return api_send(cli, "PUT", api_path("/users/", args_value(&cli->args, 0), NULL), body);
    json_decref(body);
    return outcome;
}

enum outcome run_user_rm(struct cli *cli)
{
    return listing_delete(cli, "/users/", args_value(&cli->args, 0), "");
}
