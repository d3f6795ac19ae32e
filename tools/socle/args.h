/* SPDX-License-Identifier: BSD-2-Clause */
/* A command line, taken apart by a table of commands. */
#ifndef SOCLE_CLI_ARGS_H
#define SOCLE_CLI_ARGS_H

#include "tools/socle/command.h"

#define ARGS_OPTIONS_MAX 32u

struct args {
    const struct command *command; /* NULL: none was named */
    const char *values[COMMAND_ARGS_MAX];
    size_t value_count;
    struct {
        const struct option *option;
        const char *value; /* NULL: a switch */
    } options[ARGS_OPTIONS_MAX];
    size_t option_count;
    char words[64];  /* what was read in the search for a command */
    char error[200]; /* one sentence, if parsing failed */
};

/* Reads argv[1] and on. Return: false with `error` set. A missing command is no error: help says
 * what there is. With --help neither arguments nor values are missed. */
bool args_parse(struct args *args, const struct command *table, const struct option *globals,
                int argc, char **argv);

/* Return: the last value of the option of that name, "" for a switch that is set, or NULL. */
const char *args_option(const struct args *args, const char *name);
bool args_has(const struct args *args, const char *name);

/* Walks the values of an option that may be given more than once: *at begins as 0. Return: NULL at
 * the end. */
const char *args_next(const struct args *args, const char *name, size_t *at);

/* Return: argument number `i`, or NULL where an optional one was left out. */
const char *args_value(const struct args *args, size_t i);

#endif
