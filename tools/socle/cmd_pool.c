/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools that volumes are in: a disk of the host, or an NBD server. */
#include <stdio.h>
#include <string.h>

#include "tools/socle/listing.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

/* "10.0.2.2:10809": caller frees. */
static char *server_of(const json_t *pool)
{
    const char *host = member_text(pool, "nbd.host");
    bool is_ipv6 = strchr(host, ':') != NULL;

    return mem_text("%s%s%s:%llu", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
                    member_number(pool, "nbd.port"));
}

static void pool_row(struct grid *grid, const json_t *pool)
{
    bool is_nbd = json_object_get(pool, "nbd") != NULL;
    char *disk = is_nbd ? server_of(pool) : mem_text("%s", member_text(pool, "disk"));
    char partition[TEXT_NUMBER_MAX];

    snprintf(partition, sizeof(partition), "%llu", member_number(pool, "partition"));
    grid_add(grid, member_text(pool, "name"));
    grid_add(grid, disk);
    grid_add(grid, is_nbd ? "" : partition);
    grid_add(grid, member_text(pool, "state"));
    if (is_nbd) { /* a server does not tell */
        grid_add(grid, "");
        grid_add(grid, "");
    } else {
        grid_add_size(grid, pool, "size_bytes");
        grid_add_size(grid, pool, "free_bytes");
    }
    grid_add(grid, member_text(pool, "reason"));
    free(disk);
}

enum outcome run_pool_list(struct cli *cli)
{
    static const struct listing pools = {
        .path = "/pools",
        .key = "name",
        .heads = "NAME|DISK OR SERVER|>PARTITION|STATE|>SIZE|>FREE|REASON",
        .row = pool_row,
    };

    return listing_print(cli, &pools);
}

/* Options of one kind are of no use with the other. Return: the first of `names` given, or NULL. */
static const char *first_given(const struct args *args, const char *const *names)
{
    while (*names && !args_has(args, *names))
        names++;
    return *names;
}

/* body: gets "nbd". */
static enum outcome put_server(const struct args *args, json_t *body)
{
    const char *server = args_option(args, "nbd"), *ca = args_option(args, "ca"),
               *pin = args_option(args, "cert-sha256");
    json_t *nbd = json_object(), *tls = json_object();
    char host[TEXT_HOST_MAX];
    u64 port = 0;

    json_object_set_new(body, "nbd", nbd);
    if (ca || pin)
        json_object_set(nbd, "tls", tls);
    json_decref(tls); /* the request's now, or nobody's */
    if (!text_parse_server(server, host, &port))
        return say(MISUSED, "\"%s\" is no server: write HOST, HOST:PORT or [IPV6]:PORT.", server);
    json_object_set_new(nbd, "host", json_string(host));
    if (port)
        json_object_set_new(nbd, "port", json_integer((json_int_t)port));
    if (pin)
        json_object_set_new(tls, "certificate_sha256", json_string(pin));
    return ca ? api_put_file(tls, "ca", ca) : DONE;
}

static enum outcome put_disk(const struct args *args, json_t *body)
{
    const char *partition = args_option(args, "partition");
    u64 number;

    if (partition && !text_parse_number(partition, 128, &number))
        return say(MISUSED, "--partition needs a number, not \"%s\".", partition);
    json_object_set_new(body, "disk", json_string(args_value(args, 1)));
    if (partition)
        json_object_set_new(body, "partition", json_integer((json_int_t)number));
    if (args_has(args, "format") || args_has(args, "erase"))
        json_object_set_new(body, "format", json_true());
    if (args_has(args, "erase"))
        json_object_set_new(body, "erase", json_true());
    return DONE;
}

enum outcome run_pool_create(struct cli *cli)
{
    static const char *const of_disk[] = {"partition", "format", "erase", NULL};
    static const char *const of_server[] = {"ca", "cert-sha256", NULL};
    bool is_nbd = args_has(&cli->args, "nbd"), has_disk = args_value(&cli->args, 1) != NULL;
    const char *wrong = first_given(&cli->args, is_nbd ? of_disk : of_server);
    enum outcome outcome;
    json_t *body;

    if (is_nbd == has_disk)
        return say(MISUSED, "a pool is on a disk of the host (\"socle disk list\") or, with --nbd, "
                            "on a server: name one of them.");
    if (wrong)
        return say(MISUSED, "--%s is about a pool on %s.", wrong, is_nbd ? "a disk" : "a server");
    body = json_object();
    outcome = is_nbd ? put_server(&cli->args, body) : put_disk(&cli->args, body);
    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    return api_send(cli, "PUT", api_path("/pools/", args_value(&cli->args, 0), NULL), body);
}

enum outcome run_pool_rm(struct cli *cli)
{
    return listing_delete(cli, "/pools/", args_value(&cli->args, 0), "");
}
