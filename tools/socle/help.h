/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said about commands, made of their table. */
#ifndef SOCLE_CLI_HELP_H
#define SOCLE_CLI_HELP_H

#include <stdio.h>

#include "tools/socle/command.h"

/* One command in full. */
void help_command(FILE *out, const struct command *command);
/* Every command in one line; only those whose words begin with `words`. */
void help_list(FILE *out, const char *words);
/* "NAME [FILE]". */
void help_args(FILE *out, const struct command *command);

#endif
