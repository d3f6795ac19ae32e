/* SPDX-License-Identifier: BSD-2-Clause */
/* A host becomes known, and its user known to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/socle/cert.h"
#include "tools/socle/run_commands.h"
#include "tools/socle/secret.h"
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

/* A token of the user whose password cli->basic has, with all his rights. */
static enum outcome get_token(struct cli *cli, const char *user, const char *secret)
{
    json_t *session = NULL, *token = NULL;
    enum outcome outcome =
        api_call(cli, "POST", "/api/v1/sessions",
                 json_pack("{ssss}", "user", user, "password", secret), &session);

    if (outcome == DONE)
        outcome = api_call(cli, "POST", "/api/v1/tokens",
                           json_pack("{ss}", "role", member_text(session, "role")), &token);
    if (outcome == DONE)
        snprintf(cli->host.token, sizeof(cli->host.token), "%s", member_text(token, "token"));
    json_decref(session);
    json_decref(token);
    return outcome;
}

/* With --user: his password for a token. */
static enum outcome sign_in(struct cli *cli)
{
    const char *user = args_option(&cli->args, "user");
    char secret[SECRET_MAX + 1] = "", *basic;
    enum outcome outcome;

    if (!user)
        return DONE;
    if (!cli->host.pin[0])
        return say(MISUSED, "passwords are sent by https:// only.");
    outcome = secret_read("Password", secret);
    if (outcome == DONE) {
        basic = mem_text("%s:%s", user, secret);
        cli->basic = basic;
        cli->http = http_open(&cli->host);
        outcome = get_token(cli, user, secret);
        cli->basic = NULL;
        explicit_bzero(basic, strlen(basic));
        free(basic);
    }
    explicit_bzero(secret, sizeof(secret));
    return outcome;
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
        outcome = sign_in(cli);
    if (outcome == DONE)
        outcome = store(cli);
    if (outcome == DONE)
        printf("%s is known as %s.\n", cli->host.url, cli->host.name);
    if (outcome == DONE && json_is_false(json_object_get(root, "claimed")))
        puts("Nobody has claimed it yet: use \"socle claim CODE\" with the code on its console.");
    else if (outcome == DONE && !cli->host.token[0])
        puts("It has been claimed: ask its administrator for a token, and use \"socle connect\" "
             "with --token, or with --user.");
    json_decref(root);
    free(pem);
    return outcome;
}

enum outcome run_claim(struct cli *cli)
{
    const char *user = args_option(&cli->args, "user");
    json_t *body = json_pack("{ss}", "code", args_value(&cli->args, 0)), *token = NULL;
    char secret[SECRET_MAX + 1] = "", *path;
    enum outcome outcome = cli_open(cli);

    if (outcome == DONE && args_has(&cli->args, "password"))
        outcome = secret_choose("New password", secret);

    if (outcome != DONE) {
        json_decref(body);
        return outcome;
    }
    if (user)
        json_object_set_new(body, "user", json_string(user));
    if (secret[0])
        json_object_set_new(body, "password", json_string(secret));
    explicit_bzero(secret, sizeof(secret));
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
