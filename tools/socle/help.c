/* SPDX-License-Identifier: BSD-2-Clause */
/* Help on a terminal. */
#include "tools/socle/help.h"

#include <string.h>

#include "tools/socle/run_commands.h"

#define SUMMARY_COLUMN 26
#define OPTION_COLUMN  22
#define LINE_COLUMNS   92

void help_args(FILE *out, const struct command *command)
{
    for (size_t i = 0; i < COMMAND_ARGS_MAX && command->args[i].name; i++)
        fprintf(out, command->args[i].is_optional ? " [%s]" : " %s", command->args[i].name);
    if (command->options[0].name)
        fputs(" [OPTION…]", out);
}

static void put_wrapped(FILE *out, const char *text)
{
    int column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column && column + 1 + (int)len > LINE_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%s%.*s", column ? " " : "", (int)len, text);
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

static void put_options(FILE *out, const struct option *options)
{
    for (; options->name; options++) {
        char left[48], letter[8] = "    ";

        if (options->letter)
            snprintf(letter, sizeof(letter), "-%c, ", options->letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        fprintf(out, "  %-*s  %s\n", OPTION_COLUMN, left, options->help);
    }
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "usage: socle %s", command->words);
    help_args(out, command);
    fprintf(out, "\n\n%s\n", command->summary);
    if (command->text) {
        fputc('\n', out);
        put_wrapped(out, command->text);
    }
    if (command->options[0].name) {
        fputs("\nOptions:\n", out);
        put_options(out, command->options);
    }
    fputs("\nOf every command:\n", out);
    put_options(out, global_options);
}

void help_list(FILE *out, const char *words)
{
    for (const struct command *c = commands; c->words; c++) {
        char left[64];
        size_t len = strlen(words);

        if (strncmp(c->words, words, len) != 0)
            continue;
        snprintf(left, sizeof(left), "%s%s%s", c->words, c->args[0].name ? " " : "",
                 c->args[0].name ? c->args[0].name : "");
        fprintf(out, "  %-*s  %s\n", SUMMARY_COLUMN, left, c->summary);
    }
}

enum outcome run_help(struct cli *cli)
{
    (void)cli;
    fputs("usage: socle COMMAND [ARGUMENT…] [OPTION…]\n\n", stdout);
    help_list(stdout, "");
    fputs("\nOf every command:\n", stdout);
    put_options(stdout, global_options);
    fputs("\n\"socle COMMAND --help\" says more. Exit status: 0 done, 1 the host refused, 2 the "
          "command line or a local\n"
          "file is wrong, 3 the host was not reached.\n",
          stdout);
    return DONE;
}
