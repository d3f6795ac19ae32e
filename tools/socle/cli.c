/* SPDX-License-Identifier: BSD-2-Clause */
/* Which host, and exchanges of JSON with it. */
#include "tools/socle/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/socle/hint.h"
#include "tools/socle/text.h"

#define API_BASE      "/api/v1"
#define PAGES_MAX     1000u
#define TEXT_FILE_MAX (16u << 10)

enum outcome say(enum outcome outcome, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("socle: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return outcome;
}

static void override(char out[HOST_TEXT_MAX], const char *variable)
{
    const char *value = getenv(variable);

    if (value && value[0])
        snprintf(out, HOST_TEXT_MAX, "%s", value);
}

enum outcome cli_open(struct cli *cli)
{
    const char *wanted = args_option(&cli->args, "host");
    int found;

    if (!wanted)
        wanted = getenv("SOCLE_HOST");
    if (wanted && !wanted[0])
        wanted = NULL;
    found = hosts_find(wanted, &cli->host);
    if (found == -2)
        return say(MISUSED, "%s is damaged: mend or delete it.", hosts_path());
    override(cli->host.token, "SOCLE_TOKEN");
    override(cli->host.pin, "SOCLE_PIN");
    if (found && !(wanted && hosts_take_url(wanted, cli->host.url)))
        return wanted ? say(MISUSED, "the host %s is not known: use \"socle connect URL\" first.",
                            wanted)
                      : say(MISUSED, "which host? Use \"socle connect URL\" first, or --host.");
    if (strncmp(cli->host.url, "https://", 8) == 0 && !cli->host.pin[0])
        return say(MISUSED, "the key of %s is not known: use \"socle connect %s\", or SOCLE_PIN.",
                   cli->host.url, cli->host.url);
    cli->http = http_open(&cli->host);
    return DONE;
}

char *api_path(const char *literal, ...)
{
    struct buffer path = {0};
    bool is_name = true;
    const char *part;
    va_list parts;

    buffer_print(&path, "%s%s", API_BASE, literal);
    va_start(parts, literal);
    while ((part = va_arg(parts, const char *)) != NULL) {
        char *escaped = is_name ? curl_easy_escape(NULL, part, (int)strlen(part)) : NULL;

        buffer_print(&path, "%s", escaped ? escaped : part);
        curl_free(escaped);
        is_name = !is_name;
    }
    va_end(parts);
    return path.data;
}

static void print_line(const char *label, const char *value)
{
    char *safe = mem_text("%s", value);

    text_make_safe(safe);
    if (safe[0])
        fprintf(stderr, "%s%s\n", label, safe);
    free(safe);
}

/* A list of words in one line. */
static void print_words(const char *label, const json_t *names)
{
    struct buffer text = {0};
    const json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
        buffer_print(&text, "%s%s", i ? ", " : "", json_string_value(name) ?: "?");
    if (text.data)
        print_line(label, text.data);
    free(text.data);
}

void api_tell_similar(const json_t *problem)
{
    print_words("  there is: ", json_object_get(problem, "similar"));
}

static void print_hint(const json_t *problem)
{
    char *hint = hint_for(member_text(problem, "type"), member_text(problem, "hint"));

    print_line("  hint: ", hint);
    free(hint);
}

enum outcome api_tell(const json_t *problem, const char *otherwise)
{
    const char *detail = member_text(problem, "detail");

    if (!json_is_object(problem))
        return say(REFUSED, "%s", otherwise);
    print_line("socle: ", detail[0] ? detail : member_text(problem, "title"));
    print_line("  at: ", member_text(problem, "pointer"));
    print_line("  got: ", member_text(problem, "got"));
    print_line("  needs the role: ", member_text(problem, "need_role"));
    print_words("  allowed: ", json_object_get(problem, "allowed"));
    api_tell_similar(problem);
    print_hint(problem);
    return REFUSED;
}

enum outcome api_problem(const struct http_reply *reply)
{
    json_t *problem = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    char *otherwise = mem_text("the host answered %ld and did not say why.", reply->status);

    (void)api_tell(problem, otherwise);
    free(otherwise);
    json_decref(problem);
    return REFUSED;
}

static enum outcome exchange(struct cli *cli, const char *method, const char *path, json_t *body,
                             struct http_reply *reply)
{
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    enum outcome outcome;

    outcome = http_do(cli->http,
                      &(struct http_request){
                          .method = method,
                          .path = path,
                          .basic = cli->basic,
                          .content_type = text ? "application/json" : NULL,
                          .body = text,
                          .body_len = text ? strlen(text) : 0,
                      },
                      reply);
    free(text);
    json_decref(body);
    return outcome;
}

enum outcome api_try(struct cli *cli, const char *method, const char *path, json_t *body,
                     json_t **answer, long *status)
{
    struct http_reply reply;
    enum outcome outcome = exchange(cli, method, path, body, &reply);

    *status = reply.status;
    *answer = outcome == DONE && reply.body.len
                  ? json_loadb(reply.body.data, reply.body.len, 0, NULL)
                  : NULL;
    http_release(&reply);
    return outcome;
}

enum outcome api_status(struct cli *cli, char *path, long *status)
{
    json_t *object = NULL;
    enum outcome outcome = api_try(cli, "GET", path, NULL, &object, status);

    json_decref(object);
    free(path);
    return outcome;
}

enum outcome api_call(struct cli *cli, const char *method, const char *path, json_t *body,
                      json_t **answer)
{
    struct http_reply reply;
    enum outcome outcome = exchange(cli, method, path, body, &reply);
    json_t *value = NULL;

    if (outcome == DONE && (reply.status < 200 || reply.status > 299))
        outcome = api_problem(&reply);
    if (outcome == DONE && reply.body.len) {
        value = json_loadb(reply.body.data, reply.body.len, 0, NULL);
        if (!value)
            outcome = say(NOT_REACHED, "what answers at %s does not speak JSON.", cli->host.url);
    }
    http_release(&reply);
    if (answer)
        *answer = value;
    else
        json_decref(value);
    return outcome;
}

enum outcome api_put_file(json_t *body, const char *member, const char *file)
{
    static char text[TEXT_FILE_MAX + 1];
    FILE *f = fopen(file, "rb");
    size_t len = f ? fread(text, 1, sizeof(text), f) : 0;

    if (!f)
        return say(MISUSED, "%s: %s", file, strerror(errno));
    fclose(f);
    if (len > TEXT_FILE_MAX)
        return say(MISUSED, "%s is larger than 16 KiB.", file);
    if (json_object_set_new(body, member, json_stringn(text, len)))
        return say(MISUSED, "%s is no text.", file);
    return DONE;
}

enum outcome put_grace(const struct args *args, u64 max_s, json_t *body)
{
    const char *text = args_option(args, "grace");
    u64 seconds;

    if (!text)
        return DONE;
    if (!text_parse_number(text, max_s, &seconds))
        return say(MISUSED, "--grace needs a number of seconds up to %llu, not \"%s\".",
                   (unsigned long long)max_s, text);
    json_object_set_new(body, "grace_ms", json_integer((json_int_t)(seconds * 1000)));
    return DONE;
}

/* The items of one page. */
static json_t *items_of(json_t *page)
{
    json_t *items = json_is_array(page) ? page : json_object_get(page, "items");

    return json_is_array(items) ? items : NULL;
}

enum outcome api_send(struct cli *cli, const char *method, char *path, json_t *body)
{
    enum outcome outcome = cli_open(cli);
    json_t *answer = NULL;

    if (outcome == DONE)
        outcome = api_call(cli, method, path, body, &answer);
    else
        json_decref(body);
    if (outcome == DONE && cli->as_json)
        print_json(answer);
    json_decref(answer);
    free(path);
    return outcome;
}

enum outcome api_list(struct cli *cli, const char *path, bool is_paged, json_t **items)
{
    char *after = mem_text("%s%s", API_BASE, path);
    enum outcome outcome;
    size_t got;
    u32 pages = 0;

    *items = json_array();
    do {
        json_t *page = NULL, *some;

        outcome = api_call(cli, "GET", after, NULL, &page);
        some = items_of(page);
        got = json_array_size(some);
        if (got)
            json_array_extend(*items, some);
        free(after);
        after =
            api_path(path, "", "?after=", member_text(json_array_get(some, got - 1), "name"), NULL);
        json_decref(page);
    } while (outcome == DONE && is_paged && got && ++pages < PAGES_MAX);
    free(after);
    if (outcome != DONE) {
        json_decref(*items);
        *items = NULL;
    }
    return outcome;
}

void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    putchar('\n');
}

static const json_t *member(const json_t *object, const char *path)
{
    while (object) {
        size_t len = strcspn(path, ".");
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        object = json_object_get(object, name);
        if (!path[len])
            break;
        path += len + 1;
    }
    return object;
}

const char *member_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(member(object, path));

    return text ? text : "";
}

unsigned long long member_number(const json_t *object, const char *path)
{
    json_int_t value = json_integer_value(member(object, path));

    return value < 0 ? 0 : (unsigned long long)value;
}
