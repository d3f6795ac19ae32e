/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's settings saved in a file, and put back from one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/socle/host_network.h"
#include "tools/socle/mem.h"
#include "tools/socle/run_commands.h"

#define PATH      "/api/v1/host/config"
#define TREE_TYPE "application/dtb"
#define FILE_MAX  (1u << 20)

/* A device tree begins with these bytes, JSON never does. Spec: Devicetree 5.2 "Header". */
static const char tree_magic[] = "\xd0\x0d\xfe\xed";

/* The whole file is there, or the one before. */
static bool write_file(const char *path, const struct buffer *body)
{
    char *part = mem_text("%s.part", path);
    FILE *f = fopen(part, "wb");
    bool is_done = f && fwrite(body->data, 1, body->len, f) == body->len;

    if (f && fclose(f) != 0)
        is_done = false;
    is_done = is_done && rename(part, path) == 0;
    if (!is_done) {
        (void)say(MISUSED, "%s could not be written: %s", path, strerror(errno));
        (void)remove(part);
    }
    free(part);
    return is_done;
}

/* JSON as it is shown elsewhere, a tree as it came. */
static bool print_body(struct buffer *body, bool is_tree)
{
    json_t *value = is_tree ? NULL : json_loadb(body->data, body->len, 0, NULL);
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;

    if (text) {
        body->len = 0;
        buffer_print(body, "%s\n", text);
    }
    free(text);
    json_decref(value);
    return is_tree || text;
}

enum outcome run_host_config_get(struct cli *cli)
{
    const char *path = args_value(&cli->args, 0);
    bool is_tree = args_has(&cli->args, "dtb");
    struct http_request request = {
        .method = "GET", .path = PATH, .accept = is_tree ? TREE_TYPE : "application/json"};
    struct http_reply reply = {0};
    enum outcome outcome = cli_open(cli);

    if (outcome == DONE)
        outcome = http_do(cli->http, &request, &reply);
    if (outcome == DONE && reply.status != 200)
        outcome = api_problem(&reply);
    else if (outcome == DONE && !print_body(&reply.body, is_tree))
        outcome = say(NOT_REACHED, "what answers at %s does not speak JSON.", cli->host.url);
    else if (outcome == DONE && path && !write_file(path, &reply.body))
        outcome = MISUSED;
    else if (outcome == DONE && !path)
        (void)fwrite(reply.body.data, 1, reply.body.len, stdout);
    http_release(&reply);
    return outcome;
}

/* Return: false after telling why not. */
static bool read_file(const char *path, struct buffer *body)
{
    char piece[65536];
    FILE *f = fopen(path, "rb");
    size_t len;

    if (!f) {
        (void)say(MISUSED, "%s: %s", path, strerror(errno));
        return false;
    }
    while (body->len <= FILE_MAX && (len = fread(piece, 1, sizeof(piece), f)) > 0)
        buffer_add(body, piece, len);
    fclose(f);
    if (body->len == 0 || body->len > FILE_MAX)
        (void)say(MISUSED, "%s is empty, or no host's configuration.", path);
    return body->len > 0 && body->len <= FILE_MAX;
}

/* What the host says to a change of its own settings: it must be reached again. */
static enum outcome confirm(const struct cli *cli, const struct buffer *sent,
                            const struct http_reply *reply)
{
    json_t *task = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    json_t *config = json_loadb(sent->data, sent->len, 0, NULL); /* NULL: a tree */
    const char *address = member_text(config, "network.address");
    enum outcome outcome = host_network_confirm(cli, member_text(task, "id"),
                                                address[0] ? address : NULL, HOST_TRIAL_S);

    json_decref(config);
    json_decref(task);
    return outcome;
}

enum outcome run_host_config_put(struct cli *cli)
{
    struct buffer body = {0};
    struct http_reply reply = {0};
    enum outcome outcome = read_file(args_value(&cli->args, 0), &body) ? cli_open(cli) : MISUSED;
    bool is_tree = outcome == DONE && body.len > 4 && memcmp(body.data, tree_magic, 4) == 0;

    if (outcome == DONE)
        outcome = http_do(cli->http,
                          &(struct http_request){
                              .method = "PUT",
                              .path = PATH,
                              .content_type = is_tree ? TREE_TYPE : "application/json",
                              .body = body.data,
                              .body_len = body.len,
                          },
                          &reply);
    if (outcome == DONE && reply.status == 202)
        outcome = confirm(cli, &body, &reply);
    else if (outcome == DONE && reply.status != 200)
        outcome = api_problem(&reply);
    http_release(&reply);
    free(body.data);
    return outcome;
}
