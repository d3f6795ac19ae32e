/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command works with: its arguments, the host, and how it talks to both. */
#ifndef SOCLE_CLI_CLI_H
#define SOCLE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/socle/args.h"
#include "tools/socle/hosts.h"
#include "tools/socle/http.h"

struct cli {
    struct args args;
    struct host host;  /* empty until cli_open() */
    struct http *http; /* NULL until cli_open() */
    const char *basic; /* "name:password" that lets in, in place of the token; or NULL */
    bool as_json;
};

/* Prints "socle: …" to stderr. Return: the outcome given, so that a caller can return it. */
enum outcome say(enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds the host by --host, SOCLE_HOST or the default of hosts.json, and is ready to talk to it. */
enum outcome cli_open(struct cli *cli);

/* Path of the API, below /api/v1: literal text and names in turn, the names escaped; ends with
 * NULL. Caller frees. */
char *api_path(const char *literal, ...) __attribute__((sentinel));

/* One exchange of JSON. body: may be NULL; is released. answer: what came, for the caller to
 * release, or NULL if it was empty; may itself be NULL. An error of the host is printed with its
 * detail and hint. */
enum outcome api_call(struct cli *cli, const char *method, const char *path, json_t *body,
                      json_t **answer);

/* Opens the host, sends the body and prints the answer with --json. Path and body are released. */
enum outcome api_send(struct cli *cli, const char *method, char *path, json_t *body);

/* As api_call without a word about errors: status is the host's. */
enum outcome api_try(struct cli *cli, const char *method, const char *path, json_t *body,
                     json_t **answer, long *status);

/* What the host says of something that a path names: 200, 404; without a word. Path is released. */
enum outcome api_status(struct cli *cli, char *path, long *status);

/* Puts a file's text, 16 KiB at most, into a request. Return: DONE, or MISUSED after saying why
 * not. */
enum outcome api_put_file(json_t *body, const char *member, const char *file);

/* Puts "grace_ms" into a request if --grace is given. Return: DONE, or MISUSED after saying why
 * not. */
enum outcome put_grace(const struct args *args, u64 max_s, json_t *body);

/* A whole list: {"items": …} or an array; is_paged: the route has ?after. */
enum outcome api_list(struct cli *cli, const char *path, bool is_paged, json_t **items);

/* Tells what a reply with an error says. Return: REFUSED. */
enum outcome api_problem(const struct http_reply *reply);

/* Tells what a problem says, or `otherwise` if it is none. Return: REFUSED. */
enum outcome api_tell(const json_t *problem, const char *otherwise);

/* Tells the names of an object's "similar", if it has some: what may have been meant. */
void api_tell_similar(const json_t *problem);

/* Prints JSON on stdout, indented. */
void print_json(const json_t *value);

/* Member of an object by "a.b"; "" or 0 if it is not there or of another type. */
const char *member_text(const json_t *object, const char *path);
unsigned long long member_number(const json_t *object, const char *path);

#endif
