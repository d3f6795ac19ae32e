/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's own network: shown, and changed in a way that cannot lock its user out.
 *
 * The host takes a change on trial. Only one that reaches it afterwards, at the new address or
 * the old one, confirms; else the settings before come back by themselves.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/socle/host_network.h"
#include "tools/socle/mem.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

#define PATH             "/api/v1/host/network"
#define ATTEMPT_S        5L
#define BETWEEN_MS       500
#define PAST_THE_TRIAL_S 5

static void print_member(const char *label, const json_t *object, const char *path)
{
    char *safe = mem_text("%s", member_text(object, path));

    text_make_safe(safe);
    printf("%-10s %s\n", label, safe[0] ? safe : "-");
    free(safe);
}

static enum outcome show(struct cli *cli)
{
    json_t *network = NULL;
    enum outcome outcome = api_call(cli, "GET", PATH, NULL, &network);

    if (outcome == DONE && cli->as_json) {
        print_json(network);
    } else if (outcome == DONE) {
        print_member("hostname", network, "settings.hostname");
        printf("%-10s %s\n", "dhcp",
               json_is_true(json_object_get(json_object_get(network, "settings"), "dhcp")) ? "on"
                                                                                           : "off");
        print_member("settings", network, "settings.address");
        print_member("address", network, "interface.address");
        print_member("gateway", network, "interface.gateway");
        print_member("card", network, "interface.nic");
        print_member("link", network, "interface.link");
        printf("%-10s %llu\n", "vlan", member_number(network, "settings.vlan"));
        print_member("change", network, "task.detail");
    }
    json_decref(network);
    return outcome;
}

/* Puts an option's text into the body; "none" takes the setting away. */
static void take_text(const struct cli *cli, const char *option, json_t *body)
{
    const char *text = args_option(&cli->args, option);

    if (text)
        json_object_set_new(body, option,
                            strcmp(text, "none") == 0 ? json_null() : json_string(text));
}

static bool take_number(const struct cli *cli, const char *option, u64 max, u64 *value)
{
    const char *text = args_option(&cli->args, option);

    if (!text || text_parse_number(text, max, value))
        return true;
    (void)say(MISUSED, "--%s needs a number up to %llu, not \"%s\".", option,
              (unsigned long long)max, text);
    return false;
}

static bool take_dhcp(const struct cli *cli, json_t *body)
{
    const char *text = args_option(&cli->args, "dhcp");

    if (!text)
        return true;
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0) {
        (void)say(MISUSED, "--dhcp is on or off, not \"%s\".", text);
        return false;
    }
    json_object_set_new(body, "dhcp", json_boolean(strcmp(text, "on") == 0));
    return true;
}

static void take_dns(const struct cli *cli, json_t *body)
{
    json_t *servers = json_array();
    const char *server;
    size_t at = 0;

    while ((server = args_next(&cli->args, "dns", &at)) != NULL) {
        if (strcmp(server, "none") != 0)
            json_array_append_new(servers, json_string(server));
    }
    if (args_has(&cli->args, "dns"))
        json_object_set(body, "dns", servers);
    json_decref(servers);
}

/* What the options change. Return: NULL after telling what is wrong. */
static json_t *take_change(const struct cli *cli, u64 *trial_s)
{
    json_t *body = json_object();
    u64 vlan = 0;

    take_text(cli, "hostname", body);
    take_text(cli, "address", body);
    take_text(cli, "gateway", body);
    take_text(cli, "nic", body);
    take_dns(cli, body);
    if (take_dhcp(cli, body) && take_number(cli, "vlan", 4094, &vlan) &&
        take_number(cli, "confirm-within", HOST_TRIAL_S_MAX, trial_s)) {
        if (args_has(&cli->args, "vlan"))
            json_object_set_new(body, "vlan", json_integer((json_int_t)vlan));
        return body;
    }
    json_decref(body);
    return NULL;
}

/* The host by its new address, if it has one and was known by the old one. Return: false: it has
 * not. */
static bool move(const struct cli *cli, const char *address, struct host *moved)
{
    const char *place = strstr(cli->host.url, "://");
    const char *port = place ? strchr(place + 3, ':') : NULL;
    int digits = address ? (int)strcspn(address, "/") : 0;

    if (!address || strcmp(address, "none") == 0 || !place)
        return false;
    *moved = cli->host;
    return snprintf(moved->url, sizeof(moved->url), "%.*s://%.*s%s", (int)(place - cli->host.url),
                    cli->host.url, digits, address, port ? port : "") < (int)sizeof(moved->url);
}

enum answer { ANSWER_NONE, ANSWER_EARLY, ANSWER_YES, ANSWER_NO };

/* One try to confirm, at one of the addresses; that nobody is there yet is nothing to tell. */
static enum answer confirm(const struct host *host, const char *body)
{
    struct http_request request = {.method = "POST",
                                   .path = PATH "/confirm",
                                   .content_type = "application/json",
                                   .body = body,
                                   .body_len = strlen(body)};
    struct http *http = http_open(host);
    struct http_reply reply;
    CURL *curl = http_begin(http, &request, &reply);
    enum answer answer = ANSWER_NONE;
    json_t *problem;

    curl_easy_setopt(curl, CURLOPT_TIMEOUT, ATTEMPT_S);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, ATTEMPT_S);
    if (curl_easy_perform(curl) == CURLE_OK && http_end(http, CURLE_OK, &reply) == DONE) {
        problem = json_loadb(reply.body.data, reply.body.len, 0, NULL);
        answer = reply.status == 200                                     ? ANSWER_YES
                 : strcmp(member_text(problem, "state"), "waiting") == 0 ? ANSWER_EARLY
                                                                         : ANSWER_NO;
        json_decref(problem);
    }
    http_release(&reply);
    http_close(http);
    return answer;
}

/* Remembers where the host is now. The token and pin of the environment stay there. */
static void remember(const struct host *moved)
{
    struct host known;

    if (hosts_find(moved->name, &known) != 0)
        return;
    snprintf(known.url, sizeof(known.url), "%s", moved->url);
    if (!hosts_store(&known))
        (void)say(REFUSED, "%s could not be written: the host is at %s now.", hosts_path(),
                  moved->url);
}

enum outcome host_network_confirm(const struct cli *cli, const char *task, const char *address,
                                  u64 trial_s)
{
    const struct timespec between = {.tv_nsec = BETWEEN_MS * 1000000L};
    time_t end = time(NULL) + (time_t)trial_s + PAST_THE_TRIAL_S;
    enum answer answer = ANSWER_NONE;
    struct host places[2] = {cli->host};
    size_t count = move(cli, address, &places[1]) ? 2 : 1, at = 0;
    json_t *body = json_pack("{ss}", "task", task);
    char *text = json_dumps(body, JSON_COMPACT);

    while (answer != ANSWER_YES && answer != ANSWER_NO && time(NULL) < end) {
        at = (at + 1) % count;
        answer = confirm(&places[at], text);
        if (answer != ANSWER_YES)
            (void)nanosleep(&between, NULL);
    }
    free(text);
    json_decref(body);
    if (answer != ANSWER_YES)
        return say(NOT_REACHED,
                   "the host could not be reached with its new settings; those before come back.");
    printf("The host is at %s.\n", places[at].url);
    if (at == 1)
        remember(&places[1]);
    return DONE;
}

static enum outcome change(struct cli *cli)
{
    u64 trial_s = HOST_TRIAL_S;
    json_t *task = NULL, *body = take_change(cli, &trial_s);
    enum outcome outcome;

    if (!body)
        return MISUSED;
    json_object_set_new(body, "confirm_within_ms", json_integer((json_int_t)trial_s * 1000));
    outcome = api_call(cli, "PATCH", PATH, body, &task);
    if (outcome == DONE)
        outcome = host_network_confirm(cli, member_text(task, "id"),
                                       args_option(&cli->args, "address"), trial_s);
    json_decref(task);
    return outcome;
}

enum outcome run_host_network(struct cli *cli)
{
    static const char *const settings[] = {"hostname", "address", "gateway", "nic",
                                           "dns",      "dhcp",    "vlan"};
    enum outcome outcome = cli_open(cli);
    bool has_change = false;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        has_change |= args_has(&cli->args, settings[i]);
    if (outcome != DONE)
        return outcome;
    return has_change ? change(cli) : show(cli);
}
