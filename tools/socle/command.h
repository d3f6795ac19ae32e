/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command is: one row of the table that parsing, help, completion and the manual are made
 * of.
 */
#ifndef SOCLE_CLI_COMMAND_H
#define SOCLE_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_ARGS_MAX    4u
#define COMMAND_OPTIONS_MAX 24u

/* Exit codes. */
enum outcome {
    DONE = 0,
    REFUSED = 1,    /* the host said no */
    MISUSED = 2,    /* the command line, or a local file, is wrong */
    NOT_REACHED = 3 /* no connection, or not to the host that is known */
};

/* What a value names, for completion. */
enum value_kind {
    VALUE_TEXT,
    VALUE_FILE,
    VALUE_VM,
    VALUE_IMAGE,
    VALUE_IMAGE_OR_FILE,
    VALUE_NETWORK,
    VALUE_TOKEN,
    VALUE_USER,
    VALUE_TASK,
    VALUE_VOLUME,
    VALUE_POOL,
    VALUE_DISK,
    VALUE_HOST,
};

struct arg {
    const char *name;
    enum value_kind kind;
    bool is_optional;
};

struct option {
    const char *name;
    const char *value; /* what its value is called; NULL: a switch */
    const char *help;
    enum value_kind kind;
    char letter; /* 0: none */
};

struct cli;

struct command {
    const char *words; /* "vm list" */
    const char *summary;
    const char *text; /* more about it, or NULL */
    struct arg args[COMMAND_ARGS_MAX];
    struct option options[COMMAND_OPTIONS_MAX];
    enum outcome (*run)(struct cli *cli); /* prints its own errors */
};

/* Every command, in the order of help; ends with words NULL. */
extern const struct command commands[];
/* Options that every command takes; ends with name NULL. */
extern const struct option global_options[];
/* Every variable of the environment that is read, and what for; ends with NULL. */
extern const char *const variables[][2];

#endif
