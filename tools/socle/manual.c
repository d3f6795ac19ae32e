/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual page, in roff's man macros. */
#include <stdio.h>

#include "tools/socle/help.h"
#include "tools/socle/run_commands.h"

/* Text in which nothing is a macro. */
static void put(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else
            putchar(*text);
    }
    putchar('\n');
}

static void put_options(const struct option *options)
{
    for (; options->name; options++) {
        fputs(".TP\n", stdout);
        if (options->letter)
            printf("\\fB\\-%c\\fR, ", options->letter);
        printf("\\fB\\-\\-%s\\fR", options->name);
        if (options->value)
            printf(" \\fI%s\\fR", options->value);
        putchar('\n');
        put(options->help);
    }
}

static void put_command(const struct command *command)
{
    printf(".SS \"%s\"\n\\fBsocle %s\\fR", command->words, command->words);
    help_args(stdout, command);
    fputs("\n.PP\n", stdout);
    put(command->summary);
    if (command->text) {
        fputs(".PP\n", stdout);
        put(command->text);
    }
    put_options(command->options);
}

enum outcome run_man(struct cli *cli)
{
    (void)cli;
    fputs(".TH SOCLE 1 \"\" \"Socle " SOCLE_VERSION "\" \"Socle\"\n.SH NAME\n"
          "socle \\- manage hosts of the Socle hypervisor\n.SH SYNOPSIS\n"
          ".B socle\n\\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n.SH COMMANDS\n",
          stdout);
    for (const struct command *command = commands; command->words; command++)
        put_command(command);
    fputs(".SH OPTIONS\nOf every command:\n", stdout);
    put_options(global_options);
    fputs(".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nthe host refused\n.TP\n.B 2\n"
          "the command line or a local file is wrong\n.TP\n.B 3\nthe host was not reached, or has "
          "another key\n"
          ".SH ENVIRONMENT\n",
          stdout);
    for (size_t i = 0; variables[i][0]; i++) {
        printf(".TP\n.B %s\n", variables[i][0]);
        put(variables[i][1]);
    }
    fputs(".SH FILES\n.TP\n.I \\(ti/.config/socle/hosts.json\nthe hosts that were connected to, "
          "with their tokens\n",
          stdout);
    return DONE;
}
