/* SPDX-License-Identifier: BSD-2-Clause */
/* A host becomes known, and its user known to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/socle/cert.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/text.h"

static bool ask(const char *question)
{
    char answer[16] = "";

    fprintf(stderr, "%s [y/N] ", question);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Return: whether the user, here or by --pin, says that this is the host meant. */
static enum outcome accept_key(const struct cli *cli, const struct cert_id *id)
{
    const char *pin = args_option(&cli->args, "pin");

    printf("certificate SHA-256 %s\npublic key %s\n", id->fingerprint, id->pin);
    fflush(stdout);
    if (pin && strcmp(pin, id->pin) != 0 && strcasecmp(pin, id->fingerprint) != 0)
        return say(NOT_REACHED, "this is not the key that --pin names.");
    if (pin)
        return DONE;
    if (!isatty(STDIN_FILENO))
        return say(MISUSED, "nobody is here to compare this: use --pin.");
    return ask("Does the host's console show this certificate?")
               ? DONE
               : say(NOT_REACHED, "nothing was stored.");
}

static void default_name(struct host *host)
{
    const char *begin = strstr(host->url, "://") + 3;

    snprintf(host->name, sizeof(host->name), "%s", begin);
}

static enum outcome fill(struct cli *cli, const char *pem)
{
    const char *name = args_option(&cli->args, "name"), *token = args_option(&cli->args, "token");
    enum outcome outcome = DONE;
    struct host known;
    struct cert_id id;

    default_name(&cli->host);
    if (name)
        snprintf(cli->host.name, sizeof(cli->host.name), "%s", name);
    if (pem && !cert_identify(pem, &id))
        return say(NOT_REACHED, "%s has no certificate that makes sense.", cli->host.url);
    if (pem)
        outcome = accept_key(cli, &id);
    else
        fputs("socle: without https:// everybody on the way reads and changes what is sent, tokens "
              "too.\n",
              stderr);
    if (outcome != DONE)
        return outcome;
    if (pem)
        snprintf(cli->host.pin, sizeof(cli->host.pin), "%s", id.pin);
    if (!token && hosts_find(cli->host.name, &known) == 0 &&
        strcmp(known.url, cli->host.url) == 0 && strcmp(known.pin, cli->host.pin) == 0)
        token = known.token; /* the same host as before */
    if (token)
        snprintf(cli->host.token, sizeof(cli->host.token), "%s", token);
    return DONE;
}

static enum outcome store(const struct cli *cli)
{
    return hosts_store(&cli->host)
               ? DONE
               : say(MISUSED, "cannot write %s: %s", hosts_path(), strerror(errno));
}

enum outcome run_connect(struct cli *cli)
{
    struct http_reply reply;
    enum outcome outcome;
    char *pem = NULL;
    json_t *root;

    if (!hosts_take_url(args_value(&cli->args, 0), cli->host.url))
        return say(MISUSED, "\"%s\" is no URL: write https://HOST or https://HOST:PORT.",
                   args_value(&cli->args, 0));
    outcome = http_introduce(cli->host.url, &pem, &reply);
    root = outcome == DONE ? json_loadb(reply.body.data, reply.body.len, 0, NULL) : NULL;
    http_release(&reply);
    if (outcome == DONE && (!json_is_object(root) || !json_object_get(root, "api_versions")))
        outcome = say(NOT_REACHED, "what answers at %s is no Socle host.", cli->host.url);
    if (outcome == DONE)
        outcome = fill(cli, pem);
    if (outcome == DONE)
        outcome = store(cli);
    if (outcome == DONE)
        printf("%s is known as %s.\n", cli->host.url, cli->host.name);
    if (outcome == DONE && json_is_false(json_object_get(root, "claimed")))
        puts("Nobody has claimed it yet: use \"socle claim CODE\" with the code on its console.");
    else if (outcome == DONE && !cli->host.token[0])
        puts("It has been claimed: ask its administrator for a token, and use \"socle connect\" "
             "with --token.");
    json_decref(root);
    free(pem);
    return outcome;
}

enum outcome run_claim(struct cli *cli)
{
    const char *user = args_option(&cli->args, "user");
    json_t *body = json_pack("{ss}", "code", args_value(&cli->args, 0)), *token = NULL;
    enum outcome outcome = cli_open(cli);
    char *path;

    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    if (user)
        json_object_set_new(body, "user", json_string(user));
    cli->host.token[0] = '\0'; /* an old one is of no use and must not count as a wrong guess */
    path = api_path("/claim", NULL);
    outcome = api_call(cli, "POST", path, body, &token);
    free(path);
    if (outcome == DONE) {
        snprintf(cli->host.token, sizeof(cli->host.token), "%s", member_text(token, "token"));
        if (!cli->host.name[0])
            default_name(&cli->host);
        outcome = store(cli);
        if (cli->as_json)
            print_json(token);
        else
            printf("%s is yours; the token is in %s.\n", cli->host.name, hosts_path());
    }
    json_decref(token);
    return outcome;
}
