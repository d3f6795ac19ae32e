/* SPDX-License-Identifier: BSD-2-Clause */
/* socle: hosts of the hypervisor from the administrator's machine. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tools/socle/help.h"
#include "tools/socle/run_commands.h"

/* What is done when no command has been named. */
static enum outcome without_command(struct cli *cli)
{
    if (args_has(&cli->args, "version")) {
        puts("socle " SOCLE_VERSION);
        return DONE;
    }
    if (cli->args.words[0]) {
        help_list(args_has(&cli->args, "help") ? stdout : stderr, cli->args.words);
        return args_has(&cli->args, "help") ? DONE : MISUSED;
    }
    (void)run_help(cli);
    return args_has(&cli->args, "help") ? DONE : MISUSED;
}

static enum outcome run(struct cli *cli)
{
    if (!cli->args.command || args_has(&cli->args, "version"))
        return without_command(cli);
    if (args_has(&cli->args, "help")) {
        help_command(stdout, cli->args.command);
        return DONE;
    }
    return cli->args.command->run(cli);
}

/* What shows how it is done right. */
static const char *help_for(const struct args *args)
{
    static char text[sizeof(args->words) + 8];

    if (!args->command)
        return "help";
    snprintf(text, sizeof(text), "%s --help", args->command->words);
    return text;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    enum outcome outcome;

    setlocale(LC_CTYPE, "");
    if (!args_parse(&cli.args, commands, global_options, argc, argv))
        return (int)say(MISUSED, "%s Try \"socle %s\".", cli.args.error, help_for(&cli.args));
    cli.as_json = args_has(&cli.args, "json");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    outcome = run(&cli);
    http_close(cli.http);
    curl_global_cleanup();
    if (fflush(stdout) && outcome == DONE)
        outcome = say(MISUSED, "cannot write the output.");
    return (int)outcome;
}
